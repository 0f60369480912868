package plan

import (
	"maps"
	"slices"
)

// WithoutSecrets parts settings into those that hold no secret, by what
// [Secrets] finds, and the paths of those that do, sorted and with dots
// between keys. A list with a secret anywhere in it is left out whole. The
// values themselves are not changed.
func WithoutSecrets(values map[string]any) (open map[string]any, left []string) {
	return withoutSecrets(values, "")
}

func withoutSecrets(m map[string]any, at string) (open map[string]any, left []string) {
	open = map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		sub, isMap := m[k].(map[string]any)
		switch {
		case len(Secrets(map[string]any{k: m[k]})) == 0:
			open[k] = m[k]
		case isMap && len(sub) > 0:
			below, more := withoutSecrets(sub, at+k+".")
			if left = append(left, more...); len(below) > 0 {
				open[k] = below
			}
		default:
			left = append(left, at+k)
		}
	}
	return open, left
}
