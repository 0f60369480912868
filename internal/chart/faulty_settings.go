package chart

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// findFaultySettings finds settings that are each at fault where several are: it
// starts from what the chart renders with and puts one setting after another
// back. Nothing comes back where that finds fewer than two, as where the chart
// lacks what it requires.
func (c *Chart) findFaultySettings(opts RenderOptions, end time.Time) []*RenderError {
	const most = 200
	g := &bisector{chart: c, opts: opts, rendersLeft: most, end: end, kept: map[string]any{}}
	if !g.rendersWith(g.kept) && !g.keepFirst() {
		return nil
	}
	g.addBelow(opts.Values, nil)
	// What was refused before its counterpart was there may be right by now.
	refused := slices.DeleteFunc(g.refused, func(p []string) bool { return g.tryKeep(p) })
	if len(refused) < 2 || g.rendersLeft <= 0 || time.Now().After(g.end) {
		return nil
	}
	var out []*RenderError
	for _, p := range refused {
		trial := opts
		trial.Quick, trial.Values = true, g.withSetting(p)
		_, err := c.tryRender(trial)
		if err == nil {
			return nil
		}
		one := c.renderError(err, trial)
		one.Path, one.Missing = strings.Join(p, "."), false
		one.Expected = expectedFor(one)
		out = append(out, one)
	}
	return out
}

// bisector keeps as much of some values as the chart renders with.
type bisector struct {
	chart   *Chart
	opts    RenderOptions
	kept    map[string]any
	refused [][]string
	// rendersLeft is how many times may still be rendered.
	rendersLeft int
	// end is when that ends in any case.
	end time.Time
}

func (g *bisector) rendersWith(values map[string]any) bool {
	if g.rendersLeft--; g.rendersLeft < 0 || time.Now().After(g.end) {
		return false
	}
	opts := g.opts
	opts.Values = values
	return g.chart.canRender(opts)
}

// keepFirst keeps the first part of the values with which alone the chart renders,
// for charts that require settings.
func (g *bisector) keepFirst() bool {
	for _, k := range slices.Sorted(maps.Keys(g.opts.Values)) {
		if g.tryKeep([]string{k}) {
			return true
		}
	}
	return false
}

// addBelow puts back what is below a path: as a whole, or else what of it can be.
func (g *bisector) addBelow(m map[string]any, at []string) {
	var paths [][]string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		paths = append(paths, append(slices.Clone(at), k))
	}
	g.addAll(m, paths)
}

// addAll puts back what is at some paths side by side in m: together if the chart
// renders with all of them, else each half by itself.
func (g *bisector) addAll(m map[string]any, paths [][]string) {
	if len(paths) == 0 || g.rendersLeft <= 0 || time.Now().After(g.end) || g.tryKeep(paths...) {
		return
	}
	if len(paths) > 1 {
		g.addAll(m, paths[:len(paths)/2])
		g.addAll(m, paths[len(paths)/2:])
		return
	}
	p := paths[0]
	if sub, isMap := m[p[len(p)-1]].(map[string]any); isMap && len(sub) > 0 {
		g.addBelow(sub, p)
		return
	}
	g.refused = append(g.refused, p)
}

// tryKeep puts settings back if the chart renders with them.
func (g *bisector) tryKeep(paths ...[]string) bool {
	trial := g.withSetting(paths...)
	if !g.rendersWith(trial) {
		return false
	}
	g.kept = trial
	return true
}

// withSetting is what was kept with some settings of the values more.
func (g *bisector) withSetting(paths ...[]string) map[string]any {
	out := copyMap(g.kept)
	for _, p := range paths {
		var v any = g.opts.Values
		for _, k := range p {
			v = v.(map[string]any)[k]
		}
		setPath(out, v, p...)
	}
	return out
}
