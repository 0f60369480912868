package values_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// countingSide is a chart that puts out its annotations, encodes its data, shows a
// part only where it is enabled, and counts how often it renders.
func countingSide(renders *atomic.Int32) values.ChartSide {
	render := func(v map[string]any) (map[string]string, error) {
		renders.Add(1)
		var text strings.Builder
		text.WriteString(values.GetString(v, "mode"))
		for _, at := range []string{"annotations", "data", "part"} {
			group := values.GetMap(v, at)
			if at == "part" && group["enabled"] != true {
				continue
			}
			for _, k := range slices.Sorted(maps.Keys(group)) {
				s := fmt.Sprint(group[k])
				if at == "data" {
					s = base64.StdEncoding.EncodeToString([]byte(s))
				}
				text.WriteString("\n" + k + ": " + s)
			}
		}
		return map[string]string{"one.yaml": text.String()}, nil
	}
	return values.ChartSide{
		Version: "1.0.0", Render: render, Defaults: map[string]any{"mode": "x", "part": map[string]any{"enabled": false}},
		RendersSame: func(v map[string]any, files map[string]string) bool {
			got, err := render(v)
			return err == nil && maps.Equal(got, files)
		},
	}
}

// settingsOf are n settings in a map.
func settingsOf(n int, value func(i int) any) map[string]any {
	out := map[string]any{}
	for i := range n {
		out[fmt.Sprint("k", i)] = value(i)
	}
	return out
}

func TestExplainRendersAFewTimesHoweverManySettingsThereAre(t *testing.T) {
	t.Parallel()
	text := func(i int) any { return fmt.Sprint("v", i) }
	mixed := func(i int) any { return []any{i, true, nil, "s", []any{"a"}}[i%5] }
	groups := func(int) any { return settingsOf(4, text) }
	for name, tc := range map[string]struct {
		user map[string]any
		most int32
		want values.Effect
	}{
		"printed":          {map[string]any{"annotations": settingsOf(1000, text)}, 60, values.EffectYes},
		"of all kinds":     {map[string]any{"annotations": settingsOf(1000, mixed)}, 60, values.EffectYes},
		"in a part off":    {map[string]any{"part": settingsOf(1000, text)}, 60, values.EffectNone},
		"unknown":          {map[string]any{"anotations": settingsOf(1000, text)}, 60, values.EffectNone},
		"in unknown maps":  {settingsOf(500, groups), 60, values.EffectNone},
		"printed and lost": {map[string]any{"annotations": settingsOf(1000, text), "notes": settingsOf(1000, text)}, 1000, ""},
		"encoded":          {map[string]any{"data": settingsOf(1000, text)}, 1000, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var renders atomic.Int32
			side := countingSide(&renders)
			got, err := values.Explain(t.Context(), values.ExplainInput{ChartName: "c", Values: tc.user, Old: side, New: side})
			if err != nil {
				t.Fatal(err)
			}
			if n := renders.Load(); n > tc.most {
				t.Errorf("rendered %d times for %d settings, at most %d are expected", n, len(got.Settings), tc.most)
			}
			for _, s := range got.Settings {
				want := tc.want
				if s.Path[0] == "annotations" {
					want = values.EffectYes
				}
				if s.Path[0] == "notes" {
					want = values.EffectNone
				}
				if want != "" && s.New != want {
					t.Fatalf("%s: %s, want %s", s.Path, s.New, want)
				}
				if tc.want == "" && s.Path[0] == "data" && s.New == values.EffectNone {
					t.Fatalf("%s: said to do nothing", s.Path)
				}
			}
		})
	}
}
