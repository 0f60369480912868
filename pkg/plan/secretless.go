package plan

import (
	"maps"
	"slices"
)

// WithoutSecrets parts settings into those that hold no secret, by what
// [Secrets] finds, and the paths of those that do, each as its keys, sorted. A
// list with a secret anywhere in it is left out whole. The values themselves
// are not changed.
func WithoutSecrets(values map[string]any) (open map[string]any, left [][]string) {
	return withoutSecrets(values, nil)
}

func withoutSecrets(m map[string]any, at []string) (open map[string]any, left [][]string) {
	open = map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		sub, isMap := m[k].(map[string]any)
		switch {
		case len(Secrets(map[string]any{k: m[k]})) == 0:
			open[k] = m[k]
		case isMap && len(sub) > 0:
			below, more := withoutSecrets(sub, slices.Concat(at, []string{k}))
			if left = append(left, more...); len(below) > 0 {
				open[k] = below
			}
		default:
			left = append(left, slices.Concat(at, []string{k}))
		}
	}
	return open, left
}
