package upgrade

import (
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// valuesFile is where a backup keeps what a step adds to the values.
func valuesFile(s plan.Step) string { return "values/" + s.ID + ".yaml" }

// writeValues writes down what each step gives its release beyond the user's files
// or the release's own values, such as what only an intermediate version's chart
// takes: nothing is applied that was not on disk or in the release before. It
// returns the steps that add something.
func (w *backupWriter) writeValues(p *plan.Plan, in *plan.Inputs) []string {
	var steps []string
	for _, s := range p.Steps {
		if !s.Action.ChangesRelease() {
			continue
		}
		c, err := changeOf(in, s)
		w.setError(err)
		if err != nil || c.Unchanged || len(c.Added) == 0 {
			continue
		}
		open, paths := w.secrets.Split(c.Added)
		left := joinPaths(paths)
		for _, at := range left {
			w.index.Omitted = append(w.index.Omitted, at+" in "+valuesFile(s)+": it contains a secret")
		}
		if len(open) == 0 {
			continue
		}
		doc, err := message.YAML(open)
		w.setError(err)
		w.writeFile(valuesFile(s), append([]byte(valuesHeader(s, c, left)), doc...))
		steps = append(steps, s.ID)
	}
	return steps
}

func valuesHeader(s plan.Step, c *plan.Change, left []string) string {
	source := "its own values"
	if len(c.ValuesFiles) > 0 {
		source = strings.Join(c.ValuesFiles, ", ")
	}
	head := fmt.Sprintf("# Values that step %s sets for release %s in addition to %s.\n"+
		"# Merged in this order, as Helm merges files, they are what was applied.\n", s.ID, c.Key(), source)
	if len(left) > 0 {
		head += "# Omitted because it contains secrets: " + strings.Join(left, ", ") + "\n"
	}
	return head
}

// joinPaths are paths as people read them.
func joinPaths(paths [][]string) []string {
	var list []string
	for _, p := range paths {
		list = append(list, strings.Join(p, "."))
	}
	return list
}
