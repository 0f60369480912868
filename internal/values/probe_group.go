package values

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// Settings are asked about together wherever that answers for all of them, so
// that the number of renders does not grow with the size of a values file:
// each render takes time in proportion to that size already.
const (
	// minGroupSize is the number of settings from which asking about all of them
	// at once is worth a render or two.
	minGroupSize = 4
	// minMarkedSettings is the number of settings that a chart has no default for
	// from which they are marked.
	minMarkedSettings = 64
	// maxMarkedRenders bounds the search for markers that the chart accepts.
	maxMarkedRenders = 32
	// maxInertTrials bounds the search for settings that do nothing together.
	maxInertTrials = 200
	// maxSingleSettings is the number of settings that are asked about one by one.
	// What a chart makes of more than these stays unknown.
	maxSingleSettings = 200
)

var marker = regexp.MustCompile(`perturbed-([0-9]+)-perturbed`)

// findPrinted are those of the settings that the chart itself does not have, such
// as annotations and environment variables, whose values it puts out. All get a
// value of their own in one render.
func (p *chartProbe) findPrinted(values map[string]any, paths []Path) map[string]bool {
	own := slices.DeleteFunc(slices.Clone(paths), func(path Path) bool {
		_, known := Get(p.side.Defaults, path...)
		_, set := Get(values, path...)
		return known || !set
	})
	printed, renders := map[string]bool{}, maxMarkedRenders
	p.markSettings(values, own, printed, &renders)
	return printed
}

// markSettings marks in halves what the chart refuses to render marked together.
func (p *chartProbe) markSettings(values map[string]any, paths []Path, printed map[string]bool, renders *int) {
	if len(paths) < minMarkedSettings || *renders == 0 {
		return
	}
	*renders--
	trial := DeepCopy(values)
	for i, path := range paths {
		setValue(trial, fmt.Sprintf("perturbed-%d-perturbed", i), path)
	}
	files, err := p.side.Render(trial)
	if err != nil {
		half := len(paths) / 2
		p.markSettings(values, paths[:half], printed, renders)
		p.markSettings(values, paths[half:], printed, renders)
		return
	}
	for _, text := range files {
		for _, found := range marker.FindAllStringSubmatch(text, -1) {
			if i, err := strconv.Atoi(found[1]); err == nil && i < len(paths) {
				printed[paths[i].String()] = true
			}
		}
	}
}

// splitInert are those of paths that may do something: halves that do nothing as
// a whole are left out, for as long as there are not too many. A misspelt map of
// a thousand labels costs as much as one label.
func splitInert(ctx context.Context, paths []Path, areAllInert func([]Path) bool) []Path {
	var out []Path
	trials := maxInertTrials
	var split func(paths []Path)
	split = func(paths []Path) {
		if len(paths) < minGroupSize || trials == 0 || ctx.Err() != nil {
			out = append(out, paths...)
			return
		}
		trials--
		if !areAllInert(paths) {
			split(paths[:len(paths)/2])
			split(paths[len(paths)/2:])
		}
	}
	split(paths)
	return out
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
		for _, q := range p.findEffective(ctx, all, base, off) {
			out[q.String()] = "operators that are disabled"
		}
	}
	masked := newMaskIndex(slices.DeleteFunc(slices.Clone(idle), func(q Path) bool { return out[q.String()] != "" }))
	hiding = slices.DeleteFunc(slices.Clone(hiding), func(q Path) bool { return len(masked.maskedBy(q)) == 0 })
	hiding = hiding[:min(len(hiding), maxSingleSettings)]
	hits := make([][]Path, len(hiding))
	runParallel(ctx, len(hiding), func(i int) { hits[i] = p.findMaskedBy(ctx, hiding[i], masked.maskedBy(hiding[i])) })
	for i, other := range slices.Backward(hiding) { // the first of several wins
		for _, q := range hits[i] {
			out[q.String()] = other.String()
		}
	}
	return out
}

// findMaskedBy are those of a group that do something without one other setting.
func (p *chartProbe) findMaskedBy(ctx context.Context, other Path, group []Path) []Path {
	trial := withoutPath(p.values, other)
	group = slices.DeleteFunc(slices.Clone(group), func(q Path) bool {
		_, there := Get(trial, q...)
		return !there
	})
	if len(group) == 0 {
		return nil
	}
	base, err := p.side.Render(trial)
	if err != nil {
		return nil
	}
	return p.findEffective(ctx, trial, base, group)
}

// findEffective are those of a group whose change changes what is rendered.
func (p *chartProbe) findEffective(ctx context.Context, values map[string]any, base map[string]string, group []Path) []Path {
	printed := p.findPrinted(values, group)
	var out, quiet []Path
	for _, q := range group {
		if printed[q.String()] {
			out = append(out, q)
		} else {
			quiet = append(quiet, q)
		}
	}
	rest := splitInert(ctx, quiet, func(half []Path) bool { return !p.anyChangesOutput(values, base, half) })
	for _, q := range rest[:min(len(rest), maxSingleSettings)] {
		if p.changesOutput(values, base, q) {
			out = append(out, q)
		}
	}
	return out
}

// belongsToOperator reports whether a setting may belong to an operator that is off.
func belongsToOperator(path Path) bool {
	return path[0] == "operators" || path[0] == "images" || path[0] == "repositories"
}

// maskIndex finds the settings that another one may stand before: those of the
// same name elsewhere, those beside it, and all where it is a switch.
type maskIndex struct {
	all            []Path
	byName, beside map[string][]Path
}

func newMaskIndex(list []Path) *maskIndex {
	x := &maskIndex{all: list, byName: map[string][]Path{}, beside: map[string][]Path{}}
	for _, q := range list {
		name, parent := q[len(q)-1], q[:len(q)-1].String()
		x.byName[name] = append(x.byName[name], q)
		x.beside[parent] = append(x.beside[parent], q)
	}
	return x
}

func (x *maskIndex) maskedBy(other Path) []Path {
	name := other[len(other)-1]
	if name == "enabled" || name == "disabled" {
		return x.all
	}
	return slices.Concat(x.byName[name], x.beside[other[:len(other)-1].String()])
}
