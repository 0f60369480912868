package values

import (
	"slices"
	"sync"
)

// groupFrom is the number of settings side by side from which asking about all
// of them at once is worth a render or two.
const groupFrom = 4

// dead reports whether the settings beside path, and path itself, do nothing
// whatever they are, found out for all of them at once: a misspelt map of a
// hundred labels costs as much as one label. False says only that each has to
// be asked about by itself.
func (p *probe) dead(path Path) bool {
	parent := path[:len(path)-1]
	verdict, _ := p.groups.LoadOrStore(parent.String(), sync.OnceValue(func() bool {
		group := slices.DeleteFunc(Leaves(p.values), func(q Path) bool {
			return len(q) != len(path) || !q.HasPrefix(parent)
		})
		return len(group) >= groupFrom && p.deadTogether(group)
	}))
	return verdict.(func() bool)()
}

func (p *probe) deadTogether(group []Path) bool {
	gone := p.values
	for _, q := range group {
		gone = without(gone, q)
	}
	if text, err := p.side.Render(gone); err != nil || text != p.base {
		return false
	}
	if p.reactTogether(p.values, p.base, group) {
		return false
	}
	if switchable(group[0]) {
		if all, base, err := p.all(); err == nil && p.reactTogether(all, base, group) {
			return false
		}
	}
	for _, q := range Leaves(p.values) {
		masks := func(g Path) bool { return related(g, q) }
		if slices.ContainsFunc(group, func(g Path) bool { return g.String() == q.String() }) || !slices.ContainsFunc(group, masks) {
			continue
		}
		trial := without(p.values, q)
		if base, err := p.side.Render(trial); err == nil && p.reactTogether(trial, base, group) {
			return false
		}
	}
	return true
}

// reactTogether reports whether changing all of a group changes what is
// rendered, each to its first other value, and then each to its last.
func (p *probe) reactTogether(values map[string]any, base string, group []Path) bool {
	for _, pick := range []func([]any) any{
		func(v []any) any { return v[0] }, func(v []any) any { return v[len(v)-1] },
	} {
		trial := Copy(values)
		for _, q := range group {
			if old, there := Get(values, q...); there {
				setIn(trial, pick(perturbed(old)), q)
			}
		}
		if text, err := p.side.Render(trial); err != nil || text != base {
			return true
		}
	}
	return false
}

// switchable reports whether a setting may belong to an operator that is off.
func switchable(path Path) bool {
	return path[0] == "operators" || path[0] == "images" || path[0] == "repositories"
}
