package upgrade

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// shortest is the length below which a secret is not masked in texts: masking
// "x" would mask every x, and so give it away.
const shortest = 6

// masker takes secrets out of texts: those it knows, and those that
// [plan.RedactText] finds by their names and shapes.
type masker struct{ replacer *strings.Replacer }

// newMasker knows every secret the run can come across: those in values, old
// and new, the license and the pull secrets.
func newMasker(in *plan.Inputs, looks ...*plan.Facts) masker {
	secrets := []string{string(in.License)}
	for _, c := range slices.Concat(in.Operator, in.Stores) {
		secrets = append(secrets, plan.Secrets(c.Values)...)
	}
	for _, f := range append(looks, in.Facts) {
		secrets = append(secrets, factSecrets(f)...)
	}
	return maskerOf(secrets)
}

// maskerOf masks these texts, the longest first.
func maskerOf(secrets []string) masker {
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < shortest })
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, s := range slices.Compact(secrets) {
		pairs = append(pairs, s, plan.Redacted)
	}
	return masker{strings.NewReplacer(pairs...)}
}

func factSecrets(f *plan.Facts) []string {
	if f == nil {
		return nil
	}
	var secrets []string
	for _, r := range f.Releases {
		secrets = append(secrets, plan.Secrets(r.Values)...)
	}
	if f.Operator != nil {
		secrets = append(secrets, plan.Secrets(f.Operator.Values)...)
	}
	if f.License != nil {
		secrets = append(secrets, string(f.License.Token))
	}
	for _, s := range f.Secrets {
		secrets = append(secrets, string(s.Data))
	}
	return secrets
}

func (m masker) text(s string) string {
	if m.replacer != nil {
		s = m.replacer.Replace(s)
	}
	return plan.RedactText(s)
}

func (m masker) error(err error) error {
	if err == nil {
		return nil
	}
	if text := m.text(err.Error()); text != err.Error() {
		return &maskedError{text, err}
	}
	return err
}

// redact is a copy of v without secrets; see [plan.Redact].
func redact(_ string, v any) any { return plan.RedactValue(v) }

func nameOf(m map[string]any) string {
	s, _ := m["name"].(string)
	return s
}
