package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// printPlan writes a plan as people read it: what leads where, the steps with
// what they restart, and last what stands in the way.
func printPlan(w io.Writer, k kubeOptions, p *plan.Plan) {
	line(w, "Plan     %s", shortDigest(p.Digest()))
	if name := p.Cluster.Name(); name != "" {
		line(w, "Cluster  %s, Kubernetes %s", printable(name), printable(p.Cluster.Version))
	}
	if p.Bundle.Name != "" {
		line(w, "Bundle   %s (%s)", printable(p.Bundle.Name), shortDigest(p.Bundle.Digest))
	}
	line(w, "Registry %s, pull secret %s", printable(p.Registry.Registry), orDash(p.Registry.PullSecret))
	line(w, "")
	var rows [][]string
	for i, s := range p.Steps {
		rows = append(rows, []string{fmt.Sprint(i + 1), s.ID, s.Title})
	}
	writeTable(w, []string{"#", "STEP", "WHAT"}, rows)
	for _, s := range p.Steps {
		printStep(w, s)
	}
	line(w, "\n%s, %d of them needed", words.Count(len(p.Images), "image"), needed(p.Images))
	printNotices(w, k, "warning", p.Warnings)
	printNotices(w, k, "refused", p.Refusals)
	if len(p.Refusals) > 0 {
		line(w, "\nThis plan can't be carried out: %s above.", words.Count(len(p.Refusals), "reason"))
	}
}

func printStep(w io.Writer, s plan.Step) {
	if len(s.Restarts)+len(s.Edits)+len(s.Objects) == 0 {
		return
	}
	line(w, "\n%s", s.ID)
	if s.Why != "" {
		line(w, "  why      %s", wrap(s.Why, 68, "           "))
	}
	if s.Risk != "" {
		line(w, "  risk     %s", wrap(s.Risk, 68, "           "))
	}
	for _, r := range s.Restarts {
		line(w, "  restarts %s", wrap(fmt.Sprintf("%s of %s, %s: %s", words.Count(r.Pods, "pod"), r.Store, r.How, r.Why), 68, "           "))
	}
	if len(s.Restarts) > 0 {
		line(w, "  takes    about %s", time.Duration(s.Estimate).Round(time.Minute))
	}
	for _, o := range s.Objects {
		line(w, "  deletes  %s", printable(o.String()))
	}
	for _, e := range s.Edits {
		line(w, "  values   %s: %s", printable(e.Path), printable(strings.TrimSpace(e.New)))
	}
}

// printNotices ends each with its ID in brackets, under which
// docs/troubleshooting.md says more.
func printNotices(w io.Writer, k kubeOptions, word string, list []plan.Notice) {
	for _, n := range list {
		line(w, "\n%s: %s", word, wrap(printable(n.Message)+" ["+n.ID+"]", 68, "         "))
		if n.Hint != "" {
			line(w, "   hint: %s", wrapHint(k.onCluster(n.Hint)))
		}
	}
}

// wrapHint breaks long sentences; commands of several lines keep their lines,
// because they are there to be pasted.
func wrapHint(hint string) message.Layout {
	if strings.Contains(hint, "\n") {
		return message.Layout(strings.ReplaceAll(message.Block(hint), "\n", "\n         "))
	}
	return wrap(hint, 68, "         ")
}

func needed(list []plan.PlannedImage) int {
	n := 0
	for _, i := range list {
		if i.Needed() {
			n++
		}
	}
	return n
}
