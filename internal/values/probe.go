package values

import (
	"context"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// chartProbe asks one chart what settings do.
type chartProbe struct {
	side ChartSide
	// values are the user's without those that keep the chart from rendering.
	values  map[string]any
	base    map[string]string
	refusal string
	fails   map[string]bool
	// usable says that base is there to compare with.
	usable bool
	// below and beside are the settings in a map, at any depth and directly, by
	// the map's path; groups are the verdicts of dead about them.
	below, beside map[string][]Path
	inertGroups   sync.Map
}

// newProbe asks about values. lacking is what is known to be required and not
// set: it gets a placeholder, so that the rest can be evaluated.
func newProbe(side ChartSide, values map[string]any, lacking []aistor.ValueFact) *chartProbe {
	p := &chartProbe{side: side, values: DeepCopy(values), fails: map[string]bool{}}
	base, err := side.Render(p.values)
	if err != nil {
		p.refusal = err.Error()
		for _, f := range lacking {
			setValue(p.values, "stand-in-for-what-is-required", strings.Split(f.Path, "."))
		}
		if base, err = side.Render(p.values); err != nil {
			base, err = p.withoutFailing()
		}
	}
	if err == nil {
		p.base, p.usable = base, side.RendersSame(p.values, base)
	}
	p.group()
	return p
}

// withoutFailing leaves out the settings that the chart fails on, one after
// the other, for as long as that helps.
func (p *chartProbe) withoutFailing() (files map[string]string, err error) {
	const most = 5
	for range most {
		found := false
		for _, leaf := range LeafPaths(p.values) {
			trial := withoutPath(p.values, leaf)
			if files, err = p.side.Render(trial); err == nil {
				p.values, found = trial, true
				p.fails[leaf.String()] = true
				break
			}
		}
		if found {
			return files, nil
		}
		if !p.dropOneByMessage() {
			break
		}
	}
	return nil, err
}

// dropOneByMessage leaves out one setting that changes the chart's message:
// with several at fault none alone makes it render.
func (p *chartProbe) dropOneByMessage() bool {
	_, err := p.side.Render(p.values)
	if err == nil {
		return false
	}
	for _, leaf := range LeafPaths(p.values) {
		trial := withoutPath(p.values, leaf)
		if _, other := p.side.Render(trial); other != nil && other.Error() != err.Error() {
			p.values = trial
			p.fails[leaf.String()] = true
			return true
		}
	}
	return false
}

// settingEffect is what one setting does; by names what masks it.
type settingEffect struct {
	effect   Effect
	maskedBy string
}

// evaluateSettings finds out about settings, in their order: first about each as the
// values are, then about those that seem to do nothing, together, whether
// something hides them. When ctx ends they mean nothing.
func (p *chartProbe) evaluateSettings(ctx context.Context, paths []Path) []settingEffect {
	out := make([]settingEffect, len(paths))
	runParallel(ctx, len(paths), func(i int) { out[i].effect = p.evaluateAlone(paths[i]) })
	var idle, hiding []Path
	for i, path := range paths {
		switch {
		case out[i].effect == EffectNone:
			idle = append(idle, path)
		case out[i].effect == EffectYes, out[i].effect == EffectDefault && !p.equalsDefault(path):
			hiding = append(hiding, path)
		}
	}
	by := p.findMasks(ctx, idle, hiding)
	for i, path := range paths {
		if out[i].effect == EffectNone && by[path.String()] != "" {
			out[i] = settingEffect{EffectMasked, by[path.String()]}
		}
	}
	return out
}

// evaluateAlone is what a setting does with all others as they are.
func (p *chartProbe) evaluateAlone(path Path) Effect {
	switch {
	case p.fails[path.String()]:
		return EffectFails
	case !p.usable:
		return EffectUnknown
	case p.isGroupInert(path):
		return EffectNone
	case !p.side.RendersSame(withoutPath(p.values, path), p.base):
		return EffectYes
	case p.changesOutput(p.values, p.base, path):
		return EffectDefault
	}
	return EffectNone
}

// equalsDefault reports whether a setting says what the chart's defaults say, so that
// without it nothing else is different either.
func (p *chartProbe) equalsDefault(path Path) bool {
	given, _ := Get(p.values, path...)
	own, there := Get(p.side.Defaults, path...)
	return there && equalValues(given, own)
}

// runParallel calls f for 0 to n-1 in parallel, none of them after ctx ended.
func runParallel(ctx context.Context, n int, f func(i int)) {
	var group errgroup.Group
	group.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			f(i)
			return nil
		})
	}
	_ = group.Wait()
}

// changesOutput reports whether a change of the setting changes what is rendered.
func (p *chartProbe) changesOutput(values map[string]any, base map[string]string, path Path) bool {
	old, _ := Get(values, path...)
	for _, v := range perturbedValues(old) {
		trial := DeepCopy(values)
		setValue(trial, v, path)
		if !p.side.RendersSame(trial, base) {
			return true
		}
	}
	return false
}

// mayMask reports whether one setting may stand before another: the same name
// elsewhere, a switch, or one beside it.
func mayMask(p, q Path) bool {
	last := q[len(q)-1]
	if last == p[len(p)-1] || last == "enabled" || last == "disabled" {
		return true
	}
	return len(p) == len(q) && p[:len(p)-1].HasPrefix(q[:len(q)-1])
}

// perturbedValues are other values of the same kind.
func perturbedValues(v any) []any {
	switch v := v.(type) {
	case nil:
		return []any{"perturbed", map[string]any{"perturbed": "perturbed"}, true}
	case bool:
		return []any{!v}
	case string:
		return []any{strings.TrimSpace(v) + "perturbed"}
	case map[string]any:
		return []any{map[string]any{"perturbed": "perturbed"}}
	case []any:
		if len(v) > 0 {
			return []any{append(append([]any{}, v...), v[0]), []any{}}
		}
		return []any{[]any{map[string]any{"name": "perturbed"}}, []any{"perturbed"}}
	case float64:
		return []any{v + 1}
	case int:
		return []any{v + 1}
	case int64:
		return []any{v + 1}
	default:
		return []any{"perturbed"}
	}
}
