package upgrade

import (
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Masker gives a function that takes the secrets of some values out of texts:
// whatever [plan.Redact] takes out of the values, also word by word, as YAML
// may break it over lines, and what [plan.RedactText] finds.
func Masker(values ...map[string]any) func(string) string {
	var secrets []string
	for _, v := range values {
		for _, s := range plan.Secrets(v) {
			secrets = append(append(secrets, s), strings.Fields(s)...)
		}
	}
	return maskerOf(secrets).text
}
