package chart

import (
	"maps"
	"slices"
)

// leafPaths are the paths to everything in m that is not a non-empty map, in
// the order of their keys.
func leafPaths(m map[string]any, prefix []string) [][]string {
	var out [][]string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		p := append(slices.Clone(prefix), k)
		if sub, ok := m[k].(map[string]any); ok && len(sub) > 0 {
			out = append(out, leafPaths(sub, p)...)
			continue
		}
		out = append(out, p)
	}
	return out
}

// removePath deletes one setting and every map that becomes empty by it.
func removePath(m map[string]any, path []string) {
	if len(path) == 1 {
		delete(m, path[0])
		return
	}
	sub, ok := m[path[0]].(map[string]any)
	if !ok {
		return
	}
	removePath(sub, path[1:])
	if len(sub) == 0 {
		delete(m, path[0])
	}
}

// setPath sets one setting, making the maps on the way. What is in the way
// and is not a map is replaced.
func setPath(m map[string]any, value any, path ...string) {
	for ; len(path) > 1; path = path[1:] {
		sub, ok := m[path[0]].(map[string]any)
		if !ok {
			sub = map[string]any{}
			m[path[0]] = sub
		}
		m = sub
	}
	m[path[0]] = value
}

// hasPath reports whether a setting is there.
func hasPath(m map[string]any, path []string) bool {
	v, ok := m[path[0]]
	if !ok || len(path) == 1 {
		return ok
	}
	sub, _ := v.(map[string]any)
	return hasPath(sub, path[1:])
}
