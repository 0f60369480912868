package values

import (
	"context"
	"slices"
	"sync"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// minGroupSize is the number of settings side by side from which asking about all
// of them at once is worth a render or two.
const minGroupSize = 4

// isGroupInert reports whether path does nothing whatever it is, found out for all
// settings of a map at once, of the uppermost map first: a misspelt map of a
// thousand labels costs as much as one label. False says only that each has to be
// asked about by itself.
func (p *chartProbe) isGroupInert(path Path) bool {
	for n := 1; n < len(path); n++ {
		below := path[:n].String()
		if len(p.below[below]) < minGroupSize {
			break // the maps inside are no larger
		}
		if p.deadGroup("below "+below, p.below[below]) {
			return true
		}
	}
	beside := path[:len(path)-1].String()
	return p.deadGroup("in "+beside, p.beside[beside])
}

// deadGroup asks about a group once.
func (p *chartProbe) deadGroup(key string, group []Path) bool {
	verdict, _ := p.inertGroups.LoadOrStore(key, sync.OnceValue(func() bool {
		return len(group) >= minGroupSize && p.areAllInert(group)
	}))
	return verdict.(func() bool)()
}

// group sorts the settings by the maps that they are in, directly or further
// below.
func (p *chartProbe) group() {
	p.below, p.beside = map[string][]Path{}, map[string][]Path{}
	for _, leaf := range LeafPaths(p.values) {
		for n := 1; n < len(leaf); n++ {
			key := leaf[:n].String()
			p.below[key] = append(p.below[key], leaf)
		}
		key := leaf[:len(leaf)-1].String()
		p.beside[key] = append(p.beside[key], leaf)
	}
}

func (p *chartProbe) areAllInert(group []Path) bool {
	gone := DeepCopy(p.values)
	for _, q := range group {
		removePath(gone, q)
	}
	return p.side.RendersSame(gone, p.base) && !p.anyChangesOutput(p.values, p.base, group)
}

// anyChangesOutput reports whether changing all of a group changes what is
// rendered, each to its first other value, and then each to its last.
func (p *chartProbe) anyChangesOutput(values map[string]any, base map[string]string, group []Path) bool {
	first, last, several := DeepCopy(values), DeepCopy(values), false
	for _, q := range group {
		if old, there := Get(values, q...); there {
			others := perturbedValues(old)
			setValue(first, others[0], q)
			setValue(last, others[len(others)-1], q)
			several = several || len(others) > 1
		}
	}
	return !p.side.RendersSame(first, base) || several && !p.side.RendersSame(last, base)
}

// findMasks finds for settings that do nothing, by their paths, behind what they
// are hidden: operators that are off, or one of the settings that may hide
// another, without which they would do something.
func (p *chartProbe) findMasks(ctx context.Context, idle, hiding []Path) map[string]string {
	out := map[string]string{}
	off := slices.DeleteFunc(slices.Clone(idle), func(q Path) bool { return !belongsToOperator(q) })
	all := allOperators(aistor.OperatorChart, p.values)
	if base, err := p.side.Render(all); err == nil {
		for _, q := range p.findEffective(all, base, off) {
			out[q.String()] = "operators that are disabled"
		}
	}
	rest := slices.DeleteFunc(slices.Clone(idle), func(q Path) bool { return out[q.String()] != "" })
	hits := make([][]Path, len(hiding))
	runParallel(ctx, len(hiding), func(i int) { hits[i] = p.findMaskedBy(hiding[i], rest) })
	for i, other := range slices.Backward(hiding) { // the first of several wins
		for _, q := range hits[i] {
			out[q.String()] = other.String()
		}
	}
	return out
}

// findMaskedBy are those of a group that do something without one other setting.
func (p *chartProbe) findMaskedBy(other Path, group []Path) []Path {
	trial := withoutPath(p.values, other)
	group = slices.DeleteFunc(slices.Clone(group), func(q Path) bool {
		_, there := Get(trial, q...)
		return !there || !mayMask(q, other)
	})
	if len(group) == 0 {
		return nil
	}
	base, err := p.side.Render(trial)
	if err != nil {
		return nil
	}
	return p.findEffective(trial, base, group)
}

// findEffective are those of a group whose change changes what is rendered. All are
// changed at once before each is by itself: mostly none does anything.
func (p *chartProbe) findEffective(values map[string]any, base map[string]string, group []Path) []Path {
	if len(group) == 0 || !p.anyChangesOutput(values, base, group) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(group), func(q Path) bool { return !p.changesOutput(values, base, q) })
}

// belongsToOperator reports whether a setting may belong to an operator that is off.
func belongsToOperator(path Path) bool {
	return path[0] == "operators" || path[0] == "images" || path[0] == "repositories"
}
