package chart_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
)

// sessionChart uses what a template can use: what the engine puts beside the
// values, templates by the name of their file, tpl, and changes on the way.
var sessionChart = map[string]string{
	"Chart.yaml":            "apiVersion: v2\nname: many\nversion: 1.2.3\n",
	"values.yaml":           "a: default\nnested: {b: 1}\nlist: [x]\n",
	"settings.txt":          "from a file",
	"templates/_parts.yaml": `{{ define "part" }}{{ .Values.a }}{{ end }}`,
	"templates/one.yaml": `name: {{ .Template.Name }}
base: {{ .Template.BasePath }}
chart: {{ .Chart.Name }} {{ .Chart.IsRoot }}
file: {{ .Files.Get "settings.txt" }}
release: {{ .Release.Name }}/{{ .Release.Namespace }}/{{ .Release.Revision }}/{{ .Release.IsUpgrade }}
kube: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.APIVersions.Has "aistor.min.io/v1" }}
part: {{ include "part" . }}
missing: "{{ .Values.not.there }}"
none: "{{ .Values.nothing }}"
sum: {{ include (print $.Template.BasePath "/two.yaml") . | sha256sum }}
tpl: {{ tpl (.Values.template | default "none") . }}
table: {{ .Values.AsMap | toJson | quote }}
{{ if eq .Values.a "bad" }}{{ fail "a is bad" }}{{ end }}
`,
	"templates/two.yaml":      "b: {{ .Values.nested.b }}\nc: {{ required \"c is needed\" .Values.c }}\n{{ $_ := set .Values.nested \"b\" 99 }}",
	"templates/deep/er.yaml":  "deep: {{ .Values.nested.b }}\n",
	"templates/zz/yy/xx.yaml": "deepest: {{ .Values.nested.b }}{{ $_ := set .Values.nested \"b\" 7 }}\n",
	"templates/NOTES.txt":     "notes of {{ .Values.a }}",
}

func sessionCases() []map[string]any {
	return []map[string]any{
		{"c": "1", "not": map[string]any{}},
		{"c": "2", "a": "bad", "not": map[string]any{}},
		{"not": map[string]any{}},
		{"c": "3"},
		{"c": "4", "not": map[string]any{"there": "x"}, "nested": map[string]any{"b": "own"}},
		{"c": "5", "not": map[string]any{}, "template": `{{ define "part" }}another{{ end }}{{ include "part" . }} {{ .Values.c }}`},
		{"c": "6", "not": map[string]any{}, "template": "{{ nonsense"},
		{"c": "7", "not": map[string]any{}, "nested": nil},
		{"c": "8", "not": map[string]any{}, "nested": "text"},
	}
}

func TestASessionRendersWhatTheChartRenders(t *testing.T) {
	t.Parallel()
	c, err := chart.Load(writeChart(t, sessionChart))
	if err != nil {
		t.Fatal(err)
	}
	session := c.Session(2)
	defer session.Close()
	var group sync.WaitGroup
	for round := range 3 {
		for i, v := range sessionCases() {
			group.Go(func() {
				opts := chart.RenderOptions{
					ReleaseName: fmt.Sprintf("r%d", round), Namespace: "ns", Values: v, IsUpgrade: round > 0, Revision: round,
					KubeVersion: "v1.30.0", APIVersions: []string{"aistor.min.io/v1"}, Quick: round < 2,
				}
				sameRender(t, fmt.Sprintf("case %d, round %d", i, round), c, session, opts)
			})
		}
	}
	group.Wait()
}

// sameRender holds a session against the chart's own methods.
func sameRender(t *testing.T, name string, c *chart.Chart, session *chart.Session, opts chart.RenderOptions) {
	t.Helper()
	one, wantErr := c.Render(opts)
	two, gotErr := session.Render(opts)
	if diff := cmp.Diff(fmt.Sprint(wantErr), fmt.Sprint(gotErr)); diff != "" {
		t.Errorf("%s: error (-chart +session):\n%s", name, diff)
	}
	if wantErr != nil && session.RendersSame(opts, map[string]string{}) {
		t.Errorf("%s: what does not render is the same as something", name)
	}
	if wantErr != nil || gotErr != nil {
		return
	}
	if diff := cmp.Diff(one.Manifest, two.Manifest) + cmp.Diff(one.Notes, two.Notes) + cmp.Diff(one.PlainObjects(), two.PlainObjects()); diff != "" {
		t.Errorf("%s: objects (-chart +session):\n%s", name, diff)
	}
	files, err := session.RenderFiles(opts)
	if err != nil || !session.RendersSame(opts, files) {
		t.Errorf("%s: the same values do not give the same files: %v", name, err)
	}
	for file := range files {
		changed := maps.Clone(files)
		changed[file] += "x"
		if session.RendersSame(opts, changed) {
			t.Errorf("%s: a difference in %s was not seen", name, file)
		}
	}
}

func TestASessionOfEveryPublishedChart(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("AISTOR_CHARTS")
	files, err := filepath.Glob(filepath.Join(dir, "aistor-*.tgz"))
	if dir == "" || err != nil || len(files) == 0 || testing.Short() {
		t.Skip("AISTOR_CHARTS names no folder with the published charts, or -short")
	}
	for _, f := range files {
		c, err := chart.Load(f)
		if err != nil {
			t.Fatal(err)
		}
		session := c.Session(1)
		for name, v := range map[string]map[string]any{
			"defaults":  nil,
			"license":   {"license": "a.b.c", "secrets": map[string]any{"accessKey": "an-access-key", "secretKey": "a-secret-key"}},
			"refused":   {"images": map[string]any{"mc": map[string]any{"repository": "nowhere"}}, "objectStore": map[string]any{"image": "text"}},
			"operators": {"operators": map[string]any{"warp": map[string]any{"disabled": false}, "prompt": map[string]any{"disabled": false}}},
		} {
			sameRender(t, c.ID()+" "+name, c, session, chart.RenderOptions{Values: v, Namespace: "aistor", Quick: true})
		}
		session.Close()
	}
}

func TestASessionOfAChartWithSubchartsAndOfALibrary(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string]string{
		"subchart": {
			"Chart.yaml": "apiVersion: v2\nname: top\nversion: 1.0.0\n", "templates/a.yaml": "a: {{ .Values.a }}",
			"charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n", "charts/sub/templates/b.yaml": "b: {{ .Values.b }}",
		},
		"library":   {"Chart.yaml": "apiVersion: v2\nname: top\nversion: 1.0.0\ntype: library\n", "templates/a.yaml": "a: {{ .Values.a }}"},
		"malformed": {"Chart.yaml": "apiVersion: v2\nname: top\nversion: 1.0.0\n", "templates/a.yaml": "a: {{ .Values.a"},
	} {
		c, err := chart.Load(writeChart(t, files))
		if err != nil {
			t.Fatal(err)
		}
		session := c.Session(0)
		for _, a := range []string{"x", "y"} {
			sameRender(t, name, c, session, chart.RenderOptions{Values: map[string]any{"a": a, "sub": map[string]any{"b": a}}, Quick: true})
		}
		session.Close()
	}
}

// writeChart makes a chart's directory.
func writeChart(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
