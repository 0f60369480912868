package values

import (
	"context"
	"runtime"
	"slices"
	"strings"

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
	out := p.evaluateUnmasked(ctx, paths)
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

// evaluateUnmasked is what each setting does with all others as they are.
func (p *chartProbe) evaluateUnmasked(ctx context.Context, paths []Path) []settingEffect {
	out := make([]settingEffect, len(paths))
	places := map[string]int{}
	var open []Path
	for i, path := range paths {
		places[path.String()] = i
		switch {
		case p.fails[path.String()]:
			out[i].effect = EffectFails
		case !p.usable:
			out[i].effect = EffectUnknown
		default:
			out[i].effect = EffectNone
			open = append(open, path)
		}
	}
	printed := p.findPrinted(p.values, open)
	for path := range printed {
		out[places[path]].effect = EffectYes
	}
	open = slices.DeleteFunc(open, func(path Path) bool { return printed[path.String()] })
	open = splitInert(ctx, open, p.areAllInert)
	for _, path := range open[min(len(open), maxSingleSettings):] {
		out[places[path.String()]].effect = EffectUnknown
	}
	open = open[:min(len(open), maxSingleSettings)]
	runParallel(ctx, len(open), func(i int) { out[places[open[i].String()]].effect = p.evaluateAlone(open[i]) })
	return out
}

// evaluateAlone is what a setting does with all others as they are.
func (p *chartProbe) evaluateAlone(path Path) Effect {
	switch {
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
