package bundlespec

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestChartsAndSteppingStonesAreThoseOnTheWay(t *testing.T) {
	t.Parallel()
	installed := func(version string) *plan.Site {
		return &plan.Site{Operator: plan.SiteRelease{Version: version}}
	}
	for _, tc := range []struct {
		name string
		req  Request
		want []string
	}{
		{"the installed version needs one", Request{Site: installed("5.6.4")}, []string{"aistor-operator-5.8.0 stone", "aistor-operator-5.10.0", "aistor-objectstore-1.0.16"}},
		{"the installed version needs none", Request{Site: installed("5.8.0")}, []string{"aistor-operator-5.10.0", "aistor-objectstore-1.0.16"}},
		{"--from says the same without a site", Request{From: "5.6.4"}, []string{"aistor-operator-5.8.0 stone", "aistor-operator-5.10.0", "aistor-objectstore-1.0.16"}},
		{"nothing is known of the far side", Request{}, []string{"aistor-operator-5.8.0 stone", "aistor-operator-5.10.0", "aistor-objectstore-1.0.16"}},
		{"an intermediate version that was named too is taken once", Request{From: "5.6.4", Charts: []ChartRequest{{aistor.OperatorChart, "5.10.0"}, {aistor.OperatorChart, "5.8.0"}, {aistor.ObjectStoreChart, "1.0.16"}}},
			[]string{"aistor-operator-5.8.0 stone", "aistor-operator-5.10.0", "aistor-objectstore-1.0.16"}},
		{"two targets with one intermediate version", Request{From: "5.6.4", Charts: []ChartRequest{{aistor.OperatorChart, "5.9.0"}, {aistor.OperatorChart, "5.10.0"}}},
			[]string{"aistor-operator-5.8.0 stone", "aistor-operator-5.9.0", "aistor-operator-5.10.0"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := mustSelect(t, tc.req)
			var names []string
			for _, c := range got.Charts {
				name := c.ID()
				if c.Intermediate {
					name += " stone"
				}
				names = append(names, name)
			}
			if diff := cmp.Diff(tc.want, names); diff != "" {
				t.Errorf("charts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestImagesAreWhatTheChartsPullAndWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	extra := images.Ref{Host: "docker.io", Path: "library/busybox", Tag: "1"}
	operator := images.Ref{Host: "quay.io", Path: "minio/aistor/operator", Tag: "5.10.0"}
	for _, tc := range []struct {
		name string
		req  Request
		want []string
	}{
		{"by themselves", Request{From: "5.8.0"}, []string{"quay.io/minio/aistor/operator:5.10.0"}},
		{"of intermediate versions too", Request{From: "5.6.4"}, []string{"quay.io/minio/aistor/operator:5.10.0", "quay.io/minio/aistor/operator:5.8.0"}},
		{"optional ones by name", Request{From: "5.8.0", OptionalImages: []string{"prompt"}}, []string{"quay.io/minio/aistor/operator:5.10.0", "quay.io/minio/aistor/prompt:5.10.0"}},
		{"optional ones that the site uses", Request{Site: &plan.Site{Operator: plan.SiteRelease{Version: "5.8.0"},
			ConfiguredImages: []images.Ref{{Host: "registry.example.com", Path: "aistor/prompt", Tag: "old"}}}},
			[]string{"quay.io/minio/aistor/operator:5.10.0", "quay.io/minio/aistor/prompt:5.10.0"}},
		{"all optional ones", Request{From: "5.8.0", OptionalImages: []string{"all"}}, []string{"quay.io/minio/aistor/operator:5.10.0", "quay.io/minio/aistor/prompt:5.10.0"}},
		{"one that no chart names", Request{From: "5.8.0", Images: []images.Ref{extra}}, []string{"docker.io/library/busybox:1", "quay.io/minio/aistor/operator:5.10.0"}},
		{"one left out", Request{From: "5.8.0", ExcludedImages: []images.Ref{operator}}, nil},
		{"with the user's values", Request{From: "5.8.0", Values: map[aistor.ChartRole][]map[string]any{aistor.RoleOperator: {{"tag": "hotfix"}}}},
			[]string{"quay.io/minio/aistor/operator:hotfix"}},
		{"with values that differ between releases", Request{From: "5.8.0", Values: map[aistor.ChartRole][]map[string]any{aistor.RoleOperator: {nil, {"tag": "hotfix"}}}},
			[]string{"quay.io/minio/aistor/operator:5.10.0", "quay.io/minio/aistor/operator:hotfix"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, i := range mustSelect(t, tc.req).Images {
				got = append(got, i.Ref.String())
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChartsThatAreNotOursAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ chart, want string }{
		{"nginx", "not an AIStor chart"},
		{"", "no chart given"},
	} {
		t.Run(tc.chart, func(t *testing.T) {
			t.Parallel()
			req := Request{Pull: fakePull(t)}
			if tc.chart != "" {
				req.Charts = []ChartRequest{{Ref: tc.chart, Version: "1.0.0"}}
			}
			_, err := SelectContents(t.Context(), req)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("SelectContents = %v, want %q", err, tc.want)
			}
		})
	}
}

func TestTheOldNameOfTheOperatorChartIsWarnedAbout(t *testing.T) {
	t.Parallel()
	var warned []string
	_, err := SelectContents(t.Context(), Request{
		Pull: fakePull(t), From: "5.1.0", Charts: []ChartRequest{{aistor.OperatorChartOld, "5.1.0"}},
		Warn: func(format string, args ...any) { warned = append(warned, fmt.Sprintf(format, args...)) },
	})
	if err != nil || len(warned) != 1 || !strings.Contains(warned[0], "was renamed") {
		t.Errorf("warned %q, error %v", warned, err)
	}
}

func mustSelect(t *testing.T, r Request) Contents {
	t.Helper()
	r.Pull = fakePull(t)
	if r.Charts == nil {
		r.Charts = []ChartRequest{{aistor.OperatorChart, "5.10.0"}, {aistor.ObjectStoreChart, "1.0.16"}}
	}
	got, err := SelectContents(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// fakePull makes small charts of the wanted names and versions.
func fakePull(t *testing.T) func(context.Context, ChartRequest) (*chart.Chart, error) {
	t.Helper()
	return func(_ context.Context, w ChartRequest) (*chart.Chart, error) {
		dir := filepath.Join(t.TempDir(), w.Ref)
		files := map[string]string{
			"Chart.yaml":            fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\n", w.Ref, w.Version),
			"values.yaml":           "operators:\n  prompt:\n    disabled: true\n",
			"templates/object.yaml": objects[aistor.RoleOfChart(w.Ref)],
		}
		for name, text := range files {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				return nil, err
			}
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				return nil, err
			}
		}
		return chart.Load(dir)
	}
}

var objects = map[aistor.ChartRole]string{
	aistor.RoleOperator: `apiVersion: apps/v1
kind: Deployment
metadata: {name: operator}
spec: {template: {spec: {containers: [{name: c, image: "quay.io/minio/aistor/operator:{{ .Values.tag | default .Chart.Version }}"}]}}}
{{- if not .Values.operators.prompt.disabled }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: prompt-operator}
data:
  prompt: |
    image: quay.io/minio/aistor/prompt:{{ .Chart.Version }}
{{- end }}
`,
	aistor.RoleObjectStore: `{{ required "a key is required" .Values.secrets.accessKey | quote | printf "# %s" }}
apiVersion: aistor.min.io/v1
kind: ObjectStore
metadata: {name: store}
`,
}
