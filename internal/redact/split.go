package redact

import (
	"maps"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// SplitSecrets is [Redactor.SplitSecrets] of one that knows no values.
func SplitSecrets(values map[string]any) (open map[string]any, left [][]string) {
	return (*Redactor)(nil).Split(values)
}

// Split parts settings into those that hold no secret, by what
// [Redactor.Object] takes out, and the paths of those that do, each as its keys, sorted.
// A list with a secret anywhere in it is left out whole. The values themselves
// are not changed.
func (r *Redactor) Split(values map[string]any) (open map[string]any, left [][]string) {
	redacted, _ := r.Object(values).(map[string]any)
	return splitSecrets(values, redacted, nil)
}

// splitSecrets compares m with its redacted copy: whether a text is a secret
// may be told only by what stands beside it.
func splitSecrets(m, redacted map[string]any, at []string) (open map[string]any, left [][]string) {
	open = map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		sub, isMap := m[k].(map[string]any)
		without, _ := redacted[k].(map[string]any)
		switch {
		case message.EqualJSON(m[k], redacted[k]):
			open[k] = m[k]
		case isMap && without != nil:
			below, more := splitSecrets(sub, without, slices.Concat(at, []string{k}))
			if left = append(left, more...); len(below) > 0 {
				open[k] = below
			}
		default:
			left = append(left, slices.Concat(at, []string{k}))
		}
	}
	return open, left
}
