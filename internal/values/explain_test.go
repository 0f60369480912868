package values_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

func chartSide(t testing.TB, name, version string) values.ChartSide {
	t.Helper()
	dir := os.Getenv("AISTOR_CHARTS")
	if dir == "" {
		t.Skip("AISTOR_CHARTS names no folder with the published charts")
	}
	c, err := chart.Load(filepath.Join(dir, name+"-"+version+".tgz"))
	if err != nil {
		t.Fatal(err)
	}
	session := c.Session(runtime.GOMAXPROCS(0))
	t.Cleanup(session.Close)
	return values.ChartSide{
		Version: version, Defaults: c.DefaultValues(),
		Render: func(v map[string]any) (map[string]string, error) {
			return session.RenderFiles(chart.RenderOptions{Values: v, Quick: true})
		},
		RendersSame: func(v map[string]any, files map[string]string) bool {
			return session.RendersSame(chart.RenderOptions{Values: v, Quick: true}, files)
		},
	}
}

type effectPair struct {
	Old, New values.Effect
	By       string
}

func mustExplain(t *testing.T, name string, from, to values.ChartSide, yaml string) *values.Explained {
	t.Helper()
	user, err := chart.ParseValues([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	got, err := values.Explain(t.Context(), values.ExplainInput{ChartName: name, Values: user, Old: from, New: to})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func effectTable(e *values.Explained) map[string]effectPair {
	out := map[string]effectPair{}
	for _, s := range e.Settings {
		out[s.Path.String()] = effectPair{s.Old, s.New, s.MaskedBy}
	}
	return out
}

func TestExplainAnOperatorUpgrade(t *testing.T) {
	t.Parallel()
	got := mustExplain(t, "aistor-operator", chartSide(t, "aistor-objectstore-operator", "5.1.0"), chartSide(t, "aistor-operator", "5.10.0"), `
license: a.b.c
global:
  operator: {replicas: 1, nodeSelector: {x: y}}
  license: hidden
operators:
  object-store: {enableSTS: true}
  warp: {podLabels: {a: b}}
repositories:
  aistor: {hostname: priv, pathPrefix: aistor/}
  minio: {hostname: priv, pathPrefix: minio/}
images:
  firewall: {image: "minwall:x"}
  minwall: {image: "minwall:RELEASE.2026-05-21T06-25-56Z"}
imagePullSecret: none
`)
	want := map[string]effectPair{
		"license":                          {values.EffectYes, values.EffectYes, ""},
		"global.license":                   {values.EffectMasked, values.EffectMasked, "license"},
		"global.operator.replicas":         {values.EffectDefault, values.EffectDefault, ""},
		"global.operator.nodeSelector.x":   {values.EffectNone, values.EffectYes, ""},
		"operators.object-store.enableSTS": {values.EffectYes, values.EffectNone, ""},
		"operators.warp.podLabels.a":       {values.EffectNone, values.EffectMasked, "operators that are disabled"},
		"repositories.aistor.hostname":     {values.EffectYes, values.EffectYes, ""},
		"repositories.aistor.pathPrefix":   {values.EffectYes, values.EffectYes, ""},
		"repositories.minio.hostname":      {values.EffectMasked, values.EffectNone, ""},
		"repositories.minio.pathPrefix":    {values.EffectMasked, values.EffectNone, ""},
		"images.firewall.image":            {values.EffectNone, values.EffectNone, ""},
		"images.minwall.image":             {values.EffectNone, values.EffectDefault, ""},
		"imagePullSecret":                  {values.EffectNone, values.EffectNone, ""},
	}
	if diff := cmp.Diff(want, effectTable(got)); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	for _, s := range got.Settings {
		if p := s.Path.String(); p == "images.firewall.image" || p == "operators.object-store.enableSTS" {
			if len(s.Notes) == 0 {
				t.Errorf("%s has no note", p)
			}
		}
	}
}

func TestExplainNamesTheFormThatFails(t *testing.T) {
	t.Parallel()
	got := mustExplain(t, "aistor-operator", chartSide(t, "aistor-operator", "5.3.0"), chartSide(t, "aistor-operator", "5.4.0"), `
operators:
  object-store: {webhook: true}
global: {clusterDomain: corp.local}
`)
	want := map[string]effectPair{
		"operators.object-store.webhook": {values.EffectDefault, values.EffectFails, ""},
		"global.clusterDomain":           {values.EffectYes, values.EffectYes, ""},
	}
	if diff := cmp.Diff(want, effectTable(got)); diff != "" {
		t.Errorf("effects (-want +got):\n%s", diff)
	}
	if got.NewRefusal == "" {
		t.Error("the new chart's refusal is missing")
	}
}

func TestExplainNamesWhatANewObjectStoreChartRequires(t *testing.T) {
	t.Parallel()
	got := mustExplain(t, "aistor-objectstore", chartSide(t, "aistor-objectstore", "1.0.13"), chartSide(t, "aistor-objectstore", "1.0.16"), `
objectStore: {name: primary, poolz: []}
`)
	var required []string
	for _, r := range got.Required {
		required = append(required, r.Path.String())
	}
	if diff := cmp.Diff([]string{"secrets.accessKey", "secrets.secretKey"}, required); diff != "" {
		t.Errorf("required (-want +got):\n%s", diff)
	}
}

// hundredSettings are values files of a hundred settings: one map of which all have an
// effect, one misspelt map, and what a site with everything set has.
func hundredSettings() map[string]map[string]any {
	labels, mixed := map[string]any{}, map[string]any{}
	for i := range 100 {
		labels[fmt.Sprintf("label-%d", i)] = "x"
	}
	for _, name := range []string{"operator", "minio", "minio-sidecar", "kes", "kes-sidecar", "mc", "minwall", "firewall", "aihub", "prompt", "warp"} {
		setAt(mixed, name+":RELEASE.2026-01-01T00-00-00Z", "images", name, "image")
		setAt(mixed, "aistor", "images", name, "repository")
	}
	for _, name := range []string{"aistor", "minio", "own"} {
		setAt(mixed, "registry.example.com", "repositories", name, "hostname")
		setAt(mixed, name+"/", "repositories", name, "pathPrefix")
		setAt(mixed, []any{map[string]any{"name": "pull"}}, "repositories", name, "imagePullSecrets")
	}
	for _, name := range []string{"adminjob", "object-store", "aihub", "prompt", "warp"} {
		for i, key := range []string{"nodeSelector", "podLabels", "podAnnotations", "resources", "affinity", "priorityClassName", "labels", "image", "replicas"} {
			setAt(mixed, fmt.Sprintf("x%d", i), "operators", name, key, "a")
		}
	}
	for i := len(values.LeafPaths(mixed)); i < 100; i++ {
		setAt(mixed, "x", "global", []string{"operator", "operater"}[i%2], fmt.Sprintf("key-%d", i%5), fmt.Sprintf("part-%d", i))
	}
	return map[string]map[string]any{"effective": {"labels": labels}, "misspelt": {"labelz": labels}, "mixed": mixed}
}

func setAt(m map[string]any, v any, path ...string) {
	for _, k := range path[:len(path)-1] {
		if m[k] == nil {
			m[k] = map[string]any{}
		}
		m = m[k].(map[string]any)
	}
	m[path[len(path)-1]] = v
}

// A hundred values over two charts are to be explained within three seconds on
// two cores.
func BenchmarkExplainAHundredValues(b *testing.B) {
	for name, user := range hundredSettings() {
		b.Run(name, func(b *testing.B) {
			if n := len(values.LeafPaths(user)); n != 100 {
				b.Fatalf("%d values", n)
			}
			for b.Loop() {
				in := values.ExplainInput{ChartName: "aistor-operator", Values: user, Old: chartSide(b, "aistor-operator", "5.6.4"), New: chartSide(b, "aistor-operator", "5.10.0")}
				if _, err := values.Explain(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestExplainAHundredValuesOfOneMap(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]values.Effect{"effective": values.EffectYes, "misspelt": values.EffectNone} {
		in := values.ExplainInput{
			ChartName: "aistor-operator", Values: hundredSettings()[name],
			Old: chartSide(t, "aistor-operator", "5.6.4"), New: chartSide(t, "aistor-operator", "5.10.0"),
		}
		got, err := values.Explain(t.Context(), in)
		if err != nil || len(got.Settings) != 100 {
			t.Fatalf("%d settings, %v", len(got.Settings), err)
		}
		for _, e := range got.Settings {
			if e.Old != want || e.New != want {
				t.Errorf("%s: %s, %s", e.Path, e.Old, e.New)
			}
		}
	}
}

func TestNearestKeyIsOneSlipAwayOrHasTheSameName(t *testing.T) {
	t.Parallel()
	out, err := values.Explain(t.Context(), values.ExplainInput{
		ChartName: "aistor-operator",
		Values: map[string]any{
			"global":    map[string]any{"operator": map[string]any{"imagePullSecret": "x"}},
			"operators": map[string]any{"object-store": map[string]any{"replica": 3.0}},
			"colour":    "red",
			"images":    map[string]any{"mc": map[string]any{"image": "mc:RELEASE.2025-01-01T00-00-00Z"}},
		},
		Old: constantSide("5.9.0"), New: constantSide("5.10.0"),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range out.Settings {
		got[s.Path.String()] = s.Nearest + strings.Join(s.Notes, "")
	}
	want := map[string]string{
		"global.operator.imagePullSecret": "global.operator.imagePullSecrets",
		"operators.object-store.replica":  "global.operator.replicas",
		"colour":                          "",
	}
	for path, nearest := range want {
		if got[path] != nearest {
			t.Errorf("%s: %q, want %q", path, got[path], nearest)
		}
	}
	if !strings.Contains(got["images.mc.image"], "older than the chart's own RELEASE.2026-06-24T01-47-10Z") {
		t.Errorf("images.mc.image: %q", got["images.mc.image"])
	}
}

// constantSide is a chart in which no setting does anything.
func constantSide(version string) values.ChartSide {
	return values.ChartSide{
		Version:     version,
		Render:      func(map[string]any) (map[string]string, error) { return nil, nil },
		RendersSame: func(map[string]any, map[string]string) bool { return true },
		Defaults: map[string]any{
			"global": map[string]any{"operator": map[string]any{"imagePullSecrets": nil, "replicas": 2.0}},
		},
		Tags: map[string]string{"mc": "RELEASE.2026-06-24T01-47-10Z"},
	}
}
