package values

import (
	"strings"
	"sync"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// probe asks one chart what settings do.
type probe struct {
	side Side
	// values are the user's without those that keep the chart from rendering.
	values  map[string]any
	base    string
	refusal string
	fails   map[string]bool
	// usable says that base is there to compare with.
	usable bool
	// all is base with every operator on, rendered when first asked for.
	all func() (map[string]any, string, error)
	// groups are the verdicts of dead, by the path of the map.
	groups sync.Map
}

// newProbe asks about values. lacking is what is known to be required and not
// set: it gets a stand-in, so that the rest can be judged.
func newProbe(side Side, values map[string]any, lacking []aistor.ValueFact) *probe {
	p := &probe{side: side, values: Copy(values), fails: map[string]bool{}}
	base, err := side.Render(p.values)
	if err != nil {
		p.refusal = err.Error()
		for _, f := range lacking {
			setIn(p.values, "stand-in-for-what-is-required", strings.Split(f.Path, "."))
		}
		if base, err = side.Render(p.values); err != nil {
			base, err = p.withoutFailing()
		}
	}
	if err == nil {
		again, err := side.Render(p.values)
		p.base, p.usable = base, err == nil && again == base
	}
	p.all = onceValues(func() (map[string]any, string, error) {
		all := allOperators(aistor.OperatorChart, p.values)
		text, err := side.Render(all)
		return all, text, err
	})
	return p
}

// withoutFailing leaves out the settings that the chart fails on, one after
// the other, for as long as that helps.
func (p *probe) withoutFailing() (string, error) {
	const most = 5
	var err error
	for range most {
		text, found := "", false
		for _, leaf := range Leaves(p.values) {
			trial := without(p.values, leaf)
			if text, err = p.side.Render(trial); err == nil {
				p.values, found = trial, true
				p.fails[leaf.String()] = true
				break
			}
		}
		if found {
			return text, nil
		}
		if !p.dropOneByMessage() {
			break
		}
	}
	return "", err
}

// dropOneByMessage leaves out one setting that changes the chart's message:
// with several at fault none alone makes it render.
func (p *probe) dropOneByMessage() bool {
	_, err := p.side.Render(p.values)
	if err == nil {
		return false
	}
	for _, leaf := range Leaves(p.values) {
		trial := without(p.values, leaf)
		if _, other := p.side.Render(trial); other != nil && other.Error() != err.Error() {
			p.values = trial
			p.fails[leaf.String()] = true
			return true
		}
	}
	return false
}

// effect finds out about one setting; by names what masks it.
func (p *probe) effect(path Path) (e Effect, by string) {
	switch {
	case p.fails[path.String()]:
		return EffectFails, ""
	case !p.usable:
		return EffectUnknown, ""
	case p.dead(path):
		return EffectNone, ""
	}
	gone, err := p.side.Render(without(p.values, path))
	if err != nil || gone != p.base {
		return EffectYes, ""
	}
	if p.reacts(p.values, p.base, path) {
		return EffectDefault, ""
	}
	if by := p.mask(path); by != "" {
		return EffectMasked, by
	}
	return EffectNone, ""
}

// reacts reports whether a change of the setting changes what is rendered.
func (p *probe) reacts(values map[string]any, base string, path Path) bool {
	old, _ := Get(values, path...)
	for _, v := range perturbed(old) {
		trial := Copy(values)
		setIn(trial, v, path)
		if text, err := p.side.Render(trial); err != nil || text != base {
			return true
		}
	}
	return false
}

// mask looks for a setting behind which this one is hidden: an operator that
// is off, or one of the same name elsewhere.
func (p *probe) mask(path Path) string {
	if switchable(path) {
		if all, base, err := p.all(); err == nil && p.reacts(all, base, path) {
			return "operators that are disabled"
		}
	}
	tried := 0
	for _, q := range Leaves(p.values) {
		if q.String() == path.String() || !related(path, q) || tried == 8 {
			continue
		}
		tried++
		trial := without(p.values, q)
		if _, still := Get(trial, path...); !still {
			continue
		}
		if base, err := p.side.Render(trial); err == nil && p.reacts(trial, base, path) {
			return q.String()
		}
	}
	return ""
}

// related reports whether one setting may stand before another: the same name
// elsewhere, a switch, or one beside it.
func related(p, q Path) bool {
	last := q[len(q)-1]
	if last == p[len(p)-1] || last == "enabled" || last == "disabled" {
		return true
	}
	return len(p) == len(q) && p[:len(p)-1].HasPrefix(q[:len(q)-1])
}

// perturbed are other values of the same kind.
func perturbed(v any) []any {
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

func onceValues[A, B any](f func() (A, B, error)) func() (A, B, error) {
	var a A
	var b B
	var err error
	once := sync.OnceFunc(func() { a, b, err = f() })
	return func() (A, B, error) {
		once()
		return a, b, err
	}
}
