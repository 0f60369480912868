package chart

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// blameSeveral finds settings that are each at fault where several are: it
// starts from what the chart renders with and puts one setting after another
// back. Nothing comes back where that finds fewer than two, as where the chart
// lacks what it requires.
func (c *Chart) blameSeveral(opts RenderOptions, end time.Time) []*RenderError {
	const most = 200
	g := &grower{chart: c, opts: opts, left: most, end: end, kept: map[string]any{}}
	if !g.renders(g.kept) && !g.start() {
		return nil
	}
	g.add(opts.Values, nil)
	// What was refused before its counterpart was there may be right by now.
	refused := slices.DeleteFunc(g.refused, g.keep)
	if len(refused) < 2 || g.left <= 0 || time.Now().After(g.end) {
		return nil
	}
	var out []*RenderError
	for _, p := range refused {
		trial := opts
		trial.Quick, trial.Values = true, g.with(p)
		_, err := c.tryRender(trial)
		if err == nil {
			return nil
		}
		one := c.renderError(err, trial)
		one.Path, one.Missing = strings.Join(p, "."), false
		one.Want = wantFor(one)
		out = append(out, one)
	}
	return out
}

// grower keeps as much of some values as the chart renders with.
type grower struct {
	chart   *Chart
	opts    RenderOptions
	kept    map[string]any
	refused [][]string
	// left is how many times may still be rendered.
	left int
	// end is when that ends in any case.
	end time.Time
}

func (g *grower) renders(values map[string]any) bool {
	if g.left--; g.left < 0 || time.Now().After(g.end) {
		return false
	}
	opts := g.opts
	opts.Values = values
	return g.chart.renders(opts)
}

// start keeps the first part of the values with which alone the chart renders,
// for charts that require settings.
func (g *grower) start() bool {
	for _, k := range slices.Sorted(maps.Keys(g.opts.Values)) {
		if g.keep([]string{k}) {
			return true
		}
	}
	return false
}

// add puts back what is below a path: as a whole, or else what of it can be.
func (g *grower) add(m map[string]any, at []string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		p := append(slices.Clone(at), k)
		sub, isMap := m[k].(map[string]any)
		switch {
		case g.left <= 0 || time.Now().After(g.end):
			return
		case g.keep(p):
		case isMap && len(sub) > 0:
			g.add(sub, p)
		default:
			g.refused = append(g.refused, p)
		}
	}
}

// keep puts a setting back if the chart renders with it.
func (g *grower) keep(p []string) bool {
	trial := g.with(p)
	if !g.renders(trial) {
		return false
	}
	g.kept = trial
	return true
}

// with is what was kept with one setting of the values more.
func (g *grower) with(p []string) map[string]any {
	var v any = g.opts.Values
	for _, k := range p {
		v = v.(map[string]any)[k]
	}
	out := copyMap(g.kept)
	setPath(out, v, p...)
	return out
}
