package display

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// PrintPlan writes a plan as people read it: what leads where, the steps with
// what they restart, and last what is in the way.
func PrintPlan(w io.Writer, k option.Kube, p *plan.Plan) {
	term.PrintLine(w, "Plan     %s", option.ShortDigest(p.Digest()))
	if name := p.Cluster.Name(); name != "" {
		term.PrintLine(w, "Cluster  %s, Kubernetes %s", term.SanitizeText(name), term.SanitizeText(p.Cluster.Version))
	}
	if p.Bundle.Name != "" {
		term.PrintLine(w, "Bundle   %s (%s)", term.SanitizeText(p.Bundle.Name), option.ShortDigest(p.Bundle.Digest))
	}
	term.PrintLine(w, "Registry %s, pull secret %s", term.SanitizeText(p.Registry.Registry), cmp.Or(p.Registry.PullSecret, "-"))
	term.PrintLine(w, "")
	var rows [][]string
	for i, s := range p.Steps {
		rows = append(rows, []string{fmt.Sprint(i + 1), s.ID, s.Title})
	}
	option.WriteTable(w, []string{"#", "STEP", "WHAT"}, rows)
	for _, s := range p.Steps {
		printStep(w, s)
	}
	term.PrintLine(w, "\n%s, %d required", plural.Count(len(p.Images), "image"), countRequired(p.Images))
	printNotices(w, k, "warning", p.Warnings)
	printNotices(w, k, "refused", p.Refusals)
	if len(p.Refusals) > 0 {
		term.PrintLine(w, "\nThis plan is refused: %s above.", plural.Count(len(p.Refusals), "reason"))
	}
}

func printStep(w io.Writer, s plan.Step) {
	if len(s.Restarts)+len(s.Edits)+len(s.Objects) == 0 {
		return
	}
	term.PrintLine(w, "\n%s", s.ID)
	if s.Why != "" {
		term.PrintLine(w, "  why      %s", option.WrapText(s.Why, 68, "           "))
	}
	if s.Risk != "" {
		term.PrintLine(w, "  risk     %s", option.WrapText(s.Risk, 68, "           "))
	}
	for _, r := range s.Restarts {
		term.PrintLine(w, "  restarts %s", option.WrapText(fmt.Sprintf("%s of %s, %s: %s", plural.Count(r.Pods, "pod"), r.Store, r.Strategy, r.Why), 68, "           "))
	}
	if len(s.Restarts) > 0 {
		term.PrintLine(w, "  takes    about %s", time.Duration(s.Estimate).Round(time.Minute))
	}
	for _, o := range s.Objects {
		term.PrintLine(w, "  deletes  %s", term.SanitizeText(o.String()))
	}
	for _, e := range s.Edits {
		term.PrintLine(w, "  values   %s: %s", term.SanitizeText(e.Path), term.SanitizeText(strings.TrimSpace(e.New)))
	}
}

// printNotices ends each with its ID in brackets, under which
// docs/troubleshooting.md says more.
func printNotices(w io.Writer, k option.Kube, word string, list []plan.Notice) {
	for _, n := range list {
		term.PrintLine(w, "\n%s: %s", word, option.WrapText(term.SanitizeText(n.Message)+" ["+n.ID+"]", 68, "         "))
		if n.Hint != "" {
			term.PrintLine(w, "   hint: %s", wrapHint(k.WithContext(n.Hint)))
		}
	}
}

// wrapHint breaks long sentences; commands of several lines keep their lines,
// because they are there to be pasted.
func wrapHint(hint string) message.Layout {
	if strings.Contains(hint, "\n") {
		return message.Layout(strings.ReplaceAll(message.Block(hint), "\n", "\n         "))
	}
	return option.WrapText(hint, 68, "         ")
}

func countRequired(list []plan.PlannedImage) int {
	n := 0
	for _, i := range list {
		if i.IsRequired() {
			n++
		}
	}
	return n
}
