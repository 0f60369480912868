package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
)

func valuesRule() Rule {
	return Rule{ID: "values-not-kept", Notices: []string{"values-not-kept"}, Evaluate: func(in Inputs, _ *Plan) Verdict {
		var v Verdict
		for _, c := range in.orderedChanges() {
			for _, n := range slices.Concat(c.Warnings, c.Ineffective) {
				v.add(SeverityWarn, n.ID, ObjectKey{}, "%s", n.Message).setDetails("", "", n.Hint)
			}
			evaluateValues(&v, in, c)
		}
		return v
	}}
}

// evaluateValues refuses values that would be applied without being kept
// anywhere: the next upgrade from the user's own files would undo them. An
// intermediate version's values are replaced by the next step.
func evaluateValues(v *Verdict, in Inputs, c Change) {
	edits := slices.DeleteFunc(slices.Clone(c.Edits), func(e ValueEdit) bool { return e.Requested })
	if c.Intermediate || in.Options.GitOps || len(c.ValuesFiles) == 0 || len(edits) == 0 {
		return
	}
	which := "--operator"
	if c.Store != "" {
		which = shellquote.Command("--object-store %s", c.StoreKey())
	}
	if c.ValuesFlags != "" {
		which += " " + c.ValuesFlags
	}
	what := edits[0].Path
	if more := len(edits) - 1; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	hint := "update the values files with\n  helm aistor values " + which + in.commandFlags(c.ValuesFiles) + " --write"
	if slices.Contains(c.ValuesFiles, "-") {
		hint = "change it in the source of standard input; list the changes with:\n  helm aistor values " + which + in.commandFlags(c.ValuesFiles)
	}
	v.add(SeverityRefuse, "values-not-kept", releaseKey(c.Key()),
		"release %s would get values that are not in its files: %s must change at %s",
		c.Key(), strings.Join(c.ValuesFiles, ", "), what).setDetails("", "", hint)
}

// commandFlags are the flags with which other verbs find the same files, bundle and
// registry as this plan did, whether flags, a site file or the installed values
// named them.
func (in Inputs) commandFlags(files []string) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString(" -f " + shellquote.Quote(f))
	}
	if in.Bundle.Name != "" {
		b.WriteString(" --bundle " + shellquote.Quote(in.Bundle.Name))
	}
	r := in.Registry
	for _, flag := range [][2]string{{"registry", r.Registry}, {"prefix", r.Prefix}, {"pull-secret", r.PullSecret}} {
		if flag[1] != "" {
			b.WriteString(" --" + flag[0] + " " + shellquote.Quote(flag[1]))
		}
	}
	for _, rule := range r.Rules {
		b.WriteString(" --map " + shellquote.Quote(rule.From+"="+rule.To))
	}
	return b.String()
}
