package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// printPlan writes a plan as people read it: what leads where, the steps with
// what they restart, and last what is in the way.
func printPlan(w io.Writer, k kubeOptions, p *plan.Plan) {
	printLine(w, "Plan     %s", shortDigest(p.Digest()))
	if name := p.Cluster.Name(); name != "" {
		printLine(w, "Cluster  %s, Kubernetes %s", sanitizeText(name), sanitizeText(p.Cluster.Version))
	}
	if p.Bundle.Name != "" {
		printLine(w, "Bundle   %s (%s)", sanitizeText(p.Bundle.Name), shortDigest(p.Bundle.Digest))
	}
	printLine(w, "Registry %s, pull secret %s", sanitizeText(p.Registry.Registry), cmp.Or(p.Registry.PullSecret, "-"))
	printLine(w, "")
	var rows [][]string
	for i, s := range p.Steps {
		rows = append(rows, []string{fmt.Sprint(i + 1), s.ID, s.Title})
	}
	writeTable(w, []string{"#", "STEP", "WHAT"}, rows)
	for _, s := range p.Steps {
		printStep(w, s)
	}
	printLine(w, "\n%s, %d required", plural.Count(len(p.Images), "image"), countRequired(p.Images))
	printNotices(w, k, "warning", p.Warnings)
	printNotices(w, k, "refused", p.Refusals)
	if len(p.Refusals) > 0 {
		printLine(w, "\nThis plan is refused: %s above.", plural.Count(len(p.Refusals), "reason"))
	}
}

func printStep(w io.Writer, s plan.Step) {
	if len(s.Restarts)+len(s.Edits)+len(s.Objects) == 0 {
		return
	}
	printLine(w, "\n%s", s.ID)
	if s.Why != "" {
		printLine(w, "  why      %s", wrapText(s.Why, 68, "           "))
	}
	if s.Risk != "" {
		printLine(w, "  risk     %s", wrapText(s.Risk, 68, "           "))
	}
	for _, r := range s.Restarts {
		printLine(w, "  restarts %s", wrapText(fmt.Sprintf("%s of %s, %s: %s", plural.Count(r.Pods, "pod"), r.Store, r.Strategy, r.Why), 68, "           "))
	}
	if len(s.Restarts) > 0 {
		printLine(w, "  takes    about %s", time.Duration(s.Estimate).Round(time.Minute))
	}
	for _, o := range s.Objects {
		printLine(w, "  deletes  %s", sanitizeText(o.String()))
	}
	for _, e := range s.Edits {
		printLine(w, "  values   %s: %s", sanitizeText(e.Path), sanitizeText(strings.TrimSpace(e.New)))
	}
}

// printNotices ends each with its ID in brackets, under which
// docs/troubleshooting.md says more.
func printNotices(w io.Writer, k kubeOptions, word string, list []plan.Notice) {
	for _, n := range list {
		printLine(w, "\n%s: %s", word, wrapText(sanitizeText(n.Message)+" ["+n.ID+"]", 68, "         "))
		if n.Hint != "" {
			printLine(w, "   hint: %s", wrapHint(k.withContext(n.Hint)))
		}
	}
}

// wrapHint breaks long sentences; commands of several lines keep their lines,
// because they are there to be pasted.
func wrapHint(hint string) message.Layout {
	if strings.Contains(hint, "\n") {
		return message.Layout(strings.ReplaceAll(message.Block(hint), "\n", "\n         "))
	}
	return wrapText(hint, 68, "         ")
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
