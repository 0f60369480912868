package preflight

import (
	"fmt"
	"strings"
)

// DescribeChecks lists checks as Markdown, a heading a check, in their order. The
// same checks give the same bytes.
func DescribeChecks(checks []Check) string {
	var b strings.Builder
	for i, c := range checks {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "### %s\n\n", c.ID)
		fmt.Fprintf(&b, "%s. %s.\n\n", c.Title, phaseText(c.Phase))
		fmt.Fprintf(&b, "- Inspects: %s.\n", c.Inspects)
		fmt.Fprintf(&b, "- Fails when: %s.\n", c.FailsWhen)
	}
	return b.String()
}

func phaseText(p Phase) string {
	switch p {
	case PhaseA:
		return "Before the upgrade, before anything is pushed"
	case PhaseB:
		return "Before the upgrade, once the images are in the registry"
	default:
		return "After the upgrade"
	}
}
