package upgrade

import "strings"

// Masker gives a function that takes the secrets of some values out of texts:
// whatever stands below a key that names one, also word by word, as YAML may
// break it over lines, assignments to such names, and tokens.
func Masker(values ...map[string]any) func(string) string {
	var secrets []string
	for _, v := range values {
		for _, s := range collect(nil, "", v) {
			secrets = append(append(secrets, s), strings.Fields(s)...)
		}
	}
	m := maskerOf(secrets)
	return func(s string) string {
		return assignment.ReplaceAllStringFunc(m.text(s), func(hit string) string {
			parts := assignment.FindStringSubmatch(hit)
			if strings.Contains(parts[2], redacted) {
				return hit
			}
			return parts[1] + redacted
		})
	}
}
