package upgrade

import (
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// valuesFile is where a backup keeps what a step adds to the values.
func valuesFile(s plan.Step) string { return "values/" + s.ID + ".yaml" }

// values writes down what each step gives its release beyond the user's files
// or the release's own values, such as what only a stepping stone's chart
// takes: nothing is applied that was not on disk or in the release before. It
// returns the steps that add something.
func (w *backupWriter) values(p *plan.Plan, in *plan.Inputs) []string {
	var steps []string
	for _, s := range p.Steps {
		if s.Action != plan.ActionOperator && s.Action != plan.ActionStore {
			continue
		}
		c, err := changeOf(in, s)
		w.fail(err)
		if err != nil || c.Unchanged || len(c.Added) == 0 {
			continue
		}
		open, paths := w.secrets.Split(c.Added)
		left := dotted(paths)
		for _, at := range left {
			w.index.Left = append(w.index.Left, at+" in "+valuesFile(s)+": it holds a secret")
		}
		if len(open) == 0 {
			continue
		}
		doc, err := message.YAML(open)
		w.fail(err)
		w.write(valuesFile(s), append([]byte(valuesHead(s, c, left)), doc...))
		steps = append(steps, s.ID)
	}
	return steps
}

func valuesHead(s plan.Step, c *plan.Change, left []string) string {
	source := "its own values"
	if len(c.ValuesFiles) > 0 {
		source = strings.Join(c.ValuesFiles, ", ")
	}
	head := fmt.Sprintf("# What step %s gives release %s on top of %s.\n"+
		"# Merged in this order, as Helm merges files, they are what was applied.\n", s.ID, c.Key(), source)
	if len(left) > 0 {
		head += "# Left out, for it holds secrets: " + strings.Join(left, ", ") + "\n"
	}
	return head
}

// dotted are paths as people read them.
func dotted(paths [][]string) []string {
	var list []string
	for _, p := range paths {
		list = append(list, strings.Join(p, "."))
	}
	return list
}
