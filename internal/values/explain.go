package values

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Effect is what one setting does in one version of a chart.
type Effect string

// The effects.
const (
	// EffectYes changes what is rendered, or is needed for rendering at all.
	EffectYes Effect = "effect"
	// EffectDefault would change it, but says what the chart says anyway.
	EffectDefault Effect = "same as default"
	// EffectMasked would change it if another setting did not stand before it.
	EffectMasked Effect = "masked"
	// EffectNone changes nothing.
	EffectNone Effect = "none"
	// EffectFails keeps the chart from rendering.
	EffectFails Effect = "fails"
	// EffectUnknown could not be found out: the chart does not render, or
	// renders differently each time.
	EffectUnknown Effect = "unknown"
)

// ChartSide is one of the two charts that [Explain] compares.
type ChartSide struct {
	Version string
	// Render gives the rendered files by their names. Same reports whether
	// values render, to exactly these files. Both are called many times, from
	// several goroutines, and often expected to fail.
	Render      func(values map[string]any) (map[string]string, error)
	RendersSame func(values map[string]any, files map[string]string) bool
	// Defaults are the chart's own values, for naming the nearest known key.
	Defaults map[string]any
	// Tags are those of the images that the chart names by itself, by the last
	// element of their names. Charts before 5.5.0 have them in templates, so
	// that they are not among Defaults.
	Tags map[string]string
}

// ExplainInput is what [Explain] compares.
type ExplainInput struct {
	ChartName string
	// Values are the user's.
	Values   map[string]any
	Old, New ChartSide
}

// Explanation is what is known about one setting.
type Explanation struct {
	Path     Path   `json:"path"`
	Old      Effect `json:"old"`
	New      Effect `json:"new"`
	MaskedBy string `json:"maskedBy,omitempty"`
	// Nearest is a known key that may have been meant.
	Nearest string `json:"nearest,omitempty"`
	// Notes tell what changed and what to use instead.
	Notes []string `json:"notes,omitempty"`
}

// IsLost reports whether the setting did something and no longer does.
func (e Explanation) IsLost() bool {
	return (e.Old == EffectYes || e.Old == EffectDefault) && e.New == EffectNone
}

// Explained is the result of [Explain].
type Explained struct {
	Settings []Explanation `json:"settings"`
	// OldRefusal and NewRefusal are the charts' messages where they don't
	// render with these values.
	OldRefusal string `json:"oldRefusal,omitempty"`
	NewRefusal string `json:"newRefusal,omitempty"`
	// Required are settings that the new chart needs and the values lack.
	Required []Explanation `json:"required,omitempty"`
}

// Explain finds out for each of the user's settings whether it has an effect
// in the old and in the new chart, by rendering without it and with it changed,
// and says what is known about those that have not. Settings are explained in
// the order of their keys. An error is ctx's alone.
func Explain(ctx context.Context, in ExplainInput) (*Explained, error) {
	paths := LeafPaths(in.Values)
	out := &Explained{Settings: make([]Explanation, len(paths))}
	var before, after *chartProbe
	var was, is []settingEffect
	var sides sync.WaitGroup
	sides.Go(func() {
		before = newProbe(in.Old, in.Values, nil)
		was = before.evaluateSettings(ctx, paths)
	})
	sides.Go(func() {
		after = newProbe(in.New, in.Values, in.missingRequired())
		is = after.evaluateSettings(ctx, paths)
	})
	sides.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out.OldRefusal, out.NewRefusal = before.refusal, after.refusal
	known := in.knownPaths()
	for i, p := range paths {
		e := Explanation{Path: p, Old: was[i].effect, New: is[i].effect, MaskedBy: is[i].maskedBy}
		in.addFacts(&e, known)
		out.Settings[i] = e
	}
	out.Required = in.requiredSettings(after)
	return out, nil
}

// addFacts adds what is known without rendering; known are the chart's own keys.
func (in ExplainInput) addFacts(e *Explanation, known []Path) {
	facts := aistor.FactsFor(aistor.RoleOfChart(in.ChartName), e.Path)
	for _, f := range facts {
		switch {
		case !f.AppliesTo(in.New.Version):
			e.addNote(fmt.Sprintf("not in %s", in.New.Version), f)
		case f.Deprecated:
			e.addNote("deprecated", f)
		case e.New == EffectFails || e.New == EffectNone || e.Old != e.New:
			e.addNote("", f)
		}
	}
	if older := in.olderPin(e.Path); older != "" {
		e.Notes = append(e.Notes, older)
	}
	if e.New == EffectNone && len(facts) == 0 {
		e.Nearest = closestPath(e.Path, known)
	}
}

// olderPin says that a setting fixes an image at an older release than the
// chart's own.
func (in ExplainInput) olderPin(at Path) string {
	ref, err := images.ParseRef(GetString(in.Values, at...))
	if err != nil || at[0] != "images" && at[len(at)-1] != "image" {
		return ""
	}
	name := ref.Base()
	if at[0] == "images" && len(at) > 1 {
		name = at[1]
	}
	pinned, own := ref.Tag, in.New.Tags[name]
	a, errA := aistor.ParseServerVersion(pinned)
	b, errB := aistor.ParseServerVersion(own)
	if errA != nil || errB != nil || !a.Before(b) {
		return ""
	}
	return "pins " + pinned + ", older than the chart's own " + own + ", whose arguments and definitions it gets"
}

func (e *Explanation) addNote(head string, f aistor.ValueFact) {
	parts := slices.DeleteFunc([]string{head, f.Why, replacementHint(f)}, func(s string) bool { return s == "" })
	if len(parts) > 0 {
		e.Notes = append(e.Notes, strings.Join(parts, "; "))
	}
}

func replacementHint(f aistor.ValueFact) string {
	if f.Use == "" {
		return ""
	}
	return "use " + f.Use
}

func (in ExplainInput) knownPaths() []Path {
	out := LeafPaths(in.New.Defaults)
	for _, f := range aistor.ValuesHistory(aistor.RoleOfChart(in.ChartName)) {
		if f.AppliesTo(in.New.Version) && !strings.Contains(f.Path, "*") {
			out = append(out, strings.Split(f.Path, "."))
		}
	}
	return out
}

// requiredSettings are the settings that the new chart refuses to go without.
func (in ExplainInput) requiredSettings(after *chartProbe) []Explanation {
	if after.refusal == "" {
		return nil
	}
	var out []Explanation
	for _, f := range in.missingRequired() {
		e := Explanation{Path: strings.Split(f.Path, "."), Old: EffectUnknown, New: EffectFails}
		e.addNote("required since "+f.RequiredSince, f)
		out = append(out, e)
	}
	return out
}

// missingRequired is what is known to be required in the new chart and not set.
func (in ExplainInput) missingRequired() []aistor.ValueFact {
	var out []aistor.ValueFact
	for _, f := range aistor.ValuesHistory(aistor.RoleOfChart(in.ChartName)) {
		if f.RequiredSince != "" && !aistor.VersionBefore(in.New.Version, f.RequiredSince) && GetString(in.Values, strings.Split(f.Path, ".")...) == "" {
			out = append(out, f)
		}
	}
	return out
}
