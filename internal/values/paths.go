package values

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Path leads to one setting: the keys from the top, and positions in lists as
// decimal numbers.
type Path []string

// String is the dotted form, with elements quoted that contain a dot.
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, e := range p {
		if strings.ContainsAny(e, `."`) || e == "" {
			e = strconv.Quote(e)
		}
		parts[i] = e
	}
	return strings.Join(parts, ".")
}

// MarshalText is the dotted form.
func (p Path) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// HasPrefix reports whether p is q or lies below it.
func (p Path) HasPrefix(q Path) bool {
	return len(p) >= len(q) && slices.Equal(p[:len(q)], q)
}

func (p Path) appendKey(elem string) Path { return append(slices.Clone(p), elem) }

// Get gives the value at path, and whether there is one. Lists are entered by
// position.
func Get(m map[string]any, path ...string) (any, bool) {
	var v any = m
	for _, e := range path {
		switch c := v.(type) {
		case map[string]any:
			next, ok := c[e]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, ok := listIndex(e, len(c))
			if !ok {
				return nil, false
			}
			v = c[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// listIndex is the place in a list of n elements that a path's element names,
// in the one way that places are written.
func listIndex(elem string, n int) (int, bool) {
	i, err := strconv.Atoi(elem)
	return i, err == nil && i >= 0 && i < n && strconv.Itoa(i) == elem
}

// GetString gives the string at path, or "".
func GetString(m map[string]any, path ...string) string {
	v, _ := Get(m, path...)
	s, _ := v.(string)
	return s
}

// GetMap gives the map at path, or nil.
func GetMap(m map[string]any, path ...string) map[string]any {
	v, _ := Get(m, path...)
	sub, _ := v.(map[string]any)
	return sub
}

// Merge puts over on top of base as Helm does: maps are merged, anything else
// is replaced, and a null stays. Neither is changed.
func Merge(base, over map[string]any) map[string]any {
	out := DeepCopy(base)
	for k, v := range over {
		sub, isMap := v.(map[string]any)
		old, wasMap := out[k].(map[string]any)
		if isMap && wasMap {
			out[k] = Merge(old, sub)
			continue
		}
		out[k] = deepCopyAny(v)
	}
	return out
}

// DeepCopy is a deep copy; of nil, an empty map.
func DeepCopy(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = deepCopyAny(v)
	}
	return out
}

func deepCopyAny(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return DeepCopy(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = deepCopyAny(e)
		}
		return out
	default:
		return v
	}
}

// LeafPaths are the paths to every setting: everything that is not a non-empty
// map. Lists are settings as a whole, for Helm replaces them as a whole.
func LeafPaths(m map[string]any) []Path { return leafPaths(m, nil) }

func leafPaths(m map[string]any, prefix Path) []Path {
	var out []Path
	for _, k := range slices.Sorted(maps.Keys(m)) {
		p := prefix.appendKey(k)
		if sub, ok := m[k].(map[string]any); ok && len(sub) > 0 {
			out = append(out, leafPaths(sub, p)...)
			continue
		}
		out = append(out, p)
	}
	return out
}

// MissingPaths are the settings that the release has and the given values lack, in
// the order of their keys. A null in given says that the setting is to go, and
// a map replaced by something else says so for all of it.
func MissingPaths(release, given map[string]any) []Path { return missingPaths(release, given, nil) }

func missingPaths(release, given map[string]any, prefix Path) []Path {
	var out []Path
	for _, k := range slices.Sorted(maps.Keys(release)) {
		p := prefix.appendKey(k)
		old, wasMap := release[k].(map[string]any)
		now, here := given[k]
		sub, isMap := now.(map[string]any)
		switch {
		case wasMap && len(old) > 0 && (isMap || !here):
			out = append(out, missingPaths(old, sub, p)...)
		case !here:
			out = append(out, p)
		}
	}
	return out
}

// setValue sets one value, making the maps on the way; what is in the way and
// is not a map is replaced.
func setValue(m map[string]any, v any, p Path) {
	for ; len(p) > 1; p = p[1:] {
		sub, ok := m[p[0]].(map[string]any)
		if !ok {
			sub = map[string]any{}
			m[p[0]] = sub
		}
		m = sub
	}
	m[p[0]] = v
}

// withoutPath is a copy of m that lacks one setting, and every map that is empty
// by that.
func withoutPath(m map[string]any, p Path) map[string]any {
	out := DeepCopy(m)
	removePath(out, p)
	return out
}

func removePath(m map[string]any, p Path) {
	if len(p) == 1 {
		delete(m, p[0])
		return
	}
	if sub, ok := m[p[0]].(map[string]any); ok {
		removePath(sub, p[1:])
		if len(sub) == 0 {
			delete(m, p[0])
		}
	}
}

func equalValues(a, b any) bool { return reflect.DeepEqual(normalize(a), normalize(b)) }
