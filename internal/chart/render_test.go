package chart_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func exampleChart(t testing.TB) *chart.Chart {
	t.Helper()
	c, err := chart.Load("testdata/example")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFolderIsPackedTheSameEveryTime(t *testing.T) {
	t.Parallel()
	a := exampleChart(t)
	dir := filepath.Join(t.TempDir(), "other")
	if err := os.CopyFS(dir, os.DirFS("testdata/example")); err != nil {
		t.Fatal(err)
	}
	b, err := chart.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if a.SHA256 == "" || a.SHA256 != b.SHA256 {
		t.Errorf("digests %s and %s", a.SHA256, b.SHA256)
	}
	c, err := chart.LoadData(a.Data)
	if err != nil {
		t.Fatal(err)
	}
	if c.ID() != "aistor-operator-99.1.0" || c.AppVersion != a.AppVersion || c.SHA256 != a.SHA256 {
		t.Errorf("read back as %s, app %s, %s", c.ID(), c.AppVersion, c.SHA256)
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.tgz")
	if err := os.WriteFile(bad, []byte("not a chart"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{bad, "testdata/none"} {
		if _, err := chart.Load(path); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("%s: error %v", path, err)
		}
	}
}

func TestRenderGivesObjectsInInstallOrderWithoutHooksInTheManifest(t *testing.T) {
	t.Parallel()
	r, err := exampleChart(t).Render(chart.RenderOptions{ReleaseName: "aistor", Namespace: "ns"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range r.Objects {
		id := images.ObjectID(o.Object)
		if o.Hook {
			id += " hook"
		}
		if o.Test {
			id += " test"
		}
		got = append(got, id)
	}
	want := []string{
		"ConfigMap/ns/adminjob-operator", "ConfigMap/ns/object-store-operator",
		"CustomResourceDefinition/objectstores.example.test", "Pod/probe hook test",
		"Deployment/ns/adminjob-operator", "Deployment/ns/object-store-operator", "Job/before hook",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if strings.Contains(r.Manifest, "name: probe") || !strings.Contains(r.Manifest, "# Source: aistor-operator/templates/crd.yaml") {
		t.Error("the manifest has hooks in it, or lacks sources")
	}
	if strings.Contains(r.Manifest, "#stretch-") {
		t.Error("the manifest is not whole")
	}
	if r.Notes != "Installed aistor.\n" {
		t.Errorf("notes %q", r.Notes)
	}
}

func TestRenderLeavesTheValuesAlone(t *testing.T) {
	t.Parallel()
	given := map[string]any{"operators": map[string]any{"warp": map[string]any{"disabled": false}}}
	want := map[string]any{"operators": map[string]any{"warp": map[string]any{"disabled": false}}}
	c := exampleChart(t)
	if _, err := c.Render(chart.RenderOptions{Values: given}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, given); diff != "" {
		t.Errorf("values changed:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"disabled": true}, c.DefaultValues()["operators"].(map[string]any)["warp"]); diff != "" {
		t.Errorf("defaults changed:\n%s", diff)
	}
}

func TestRenderErrorIsTheChartsOwnMessage(t *testing.T) {
	t.Parallel()
	_, err := exampleChart(t).Render(chart.RenderOptions{Values: map[string]any{
		"images": map[string]any{"mc": map[string]any{"repository": "nowhere"}},
	}})
	var refused *chart.RenderError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v", err)
	}
	got := chart.RenderError{Chart: refused.Chart, Template: refused.Template, Message: refused.Message, Path: refused.Path}
	want := chart.RenderError{
		Chart:   "aistor-operator-99.1.0",
		Message: "Unknown repository 'nowhere' for image 'mc'", Path: "images.mc.repository",
	}
	if !strings.HasPrefix(got.Template, "aistor-operator/templates/operators.yaml:") {
		t.Errorf("template %q", got.Template)
	}
	got.Template = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
}

func TestRenderErrorNamesEverySettingAtFault(t *testing.T) {
	t.Parallel()
	values, err := chart.ParseValues([]byte("images: {kes: {repository: later, image: 'kes:1'}, mc: {repository: nowhere}, minio: {repository: elsewhere, image: 'minio:x'}}\n" +
		"license: planted\nrepositories: {later: {hostname: q.io}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = exampleChart(t).Render(chart.RenderOptions{Values: values})
	want := `rendering chart "aistor-operator-99.1.0": it rejects 2 settings
  images.mc.repository: Unknown repository 'nowhere' for image 'mc'
    expected: the repository defined under repositories, or images to name a known one such as aistor
  images.minio.repository: Unknown repository 'elsewhere' for image 'minio'
    expected: the repository defined under repositories, or images to name a known one such as aistor`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// A chart that requires settings renders with a part of the values first.
func TestRenderErrorOfAPublishedChartNamesEverySettingAtFault(t *testing.T) {
	t.Parallel()
	values, err := chart.ParseValues([]byte("objectStore: {features: {bucketDNS: true}, image: {repository: x}, name: s}\n" +
		"secrets: {name: a, accessKey: planted-access-key, secretKey: planted-secret-key}\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = loadPublished(t, "aistor-objectstore", "1.0.16").Render(chart.RenderOptions{Values: values})
	var refused *chart.RenderError
	if !errors.As(err, &refused) || len(refused.Several) != 2 || strings.Contains(err.Error(), "planted") {
		t.Fatalf("error %v", err)
	}
	if refused.Several[0].Path != "objectStore.features.bucketDNS" || refused.Several[1].Path != "objectStore.image.repository" {
		t.Errorf("error %v", err)
	}
}

func TestRenderErrorsOfPublishedChartsNameTheSetting(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, version, values, path string }{
		{"aistor-operator", "5.4.0", "operators: {object-store: {webhook: true}}", "operators.object-store.webhook"},
		{"aistor-operator", "5.3.0", "operators: {object-store: {webhook: {enabled: true}}}", "operators.object-store.webhook.enabled"},
		{"aistor-operator", "5.4.0", "images: {minio: 'quay.io/minio/aistor/minio:x'}", "images.minio"},
		{"aistor-operator", "5.10.0", "images: {minio: {repository: x}}", "images.minio.repository"},
		{"aistor-operator", "5.10.0", "images: {minio: null}", "images.minio"},
		{"aistor-objectstore", "1.0.16", "{}", "secrets.accessKey"},
		{"aistor-objectstore", "1.0.5", "objectStore: {image: {repository: aistor, image: 'minio:R'}}", "objectStore.image.repository"},
		{"aistor-objectstore", "1.0.14", "secrets: {name: a}\nobjectStore: {configuration: {name: b}}", "objectStore.configuration.name"},
		{"aistor-objectstore", "1.0.14", "objectStore: {features: {bucketDNS: true}}", "objectStore.features.bucketDNS"},
	} {
		t.Run(tc.name+"-"+tc.version+" "+tc.path, func(t *testing.T) {
			t.Parallel()
			values, err := chart.ParseValues([]byte(tc.values))
			if err != nil {
				t.Fatal(err)
			}
			_, err = loadPublished(t, tc.name, tc.version).Render(chart.RenderOptions{Values: values})
			var refused *chart.RenderError
			if !errors.As(err, &refused) {
				t.Fatalf("error %v", err)
			}
			if refused.Path != tc.path || strings.Contains(refused.Message, "template:") || strings.Contains(refused.Message, "executing") {
				t.Errorf("path %q, message %q", refused.Path, refused.Message)
			}
		})
	}
}

func TestDiscoverTellsTheKindsApart(t *testing.T) {
	t.Parallel()
	list, err := chart.Discover(exampleChart(t), chart.RenderOptions{}, chart.DiscoverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]images.Kind{}
	for _, i := range list {
		got[i.Ref.String()] = i.Reasons[0].Kind
	}
	want := map[string]images.Kind{
		"docker.io/library/busybox:1.37":                             images.KindTest,
		"quay.io/minio/aistor/mc:RELEASE.2026-06-24T01-47-10Z":       images.KindDefault,
		"quay.io/minio/aistor/minio:RELEASE.2026-06-06T02-44-06Z":    images.KindDefault,
		"quay.io/minio/aistor/operator:RELEASE.2026-07-21T22-41-48Z": images.KindDefault,
		"quay.io/minio/aistor/warp:v1.5.0":                           images.KindOptional,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	hook := false
	for _, i := range list {
		for _, r := range i.Reasons {
			hook = hook || r.Kind == images.KindHook && r.Object == "Job/before"
			if strings.Contains(i.Ref.Path, "/mc") && strings.HasPrefix(r.Object, "Deployment") && !strings.HasSuffix(r.Path, ".args[1]") {
				t.Errorf("the argument is found at %s", r.Path)
			}
		}
	}
	if !hook {
		t.Error("the hook's image has no reason of its own")
	}
}

func TestDiscoverNeverGivesAShorterList(t *testing.T) {
	t.Parallel()
	_, err := chart.Discover(exampleChart(t), chart.RenderOptions{Values: map[string]any{"images": map[string]any{"mc": nil}}}, chart.DiscoverOptions{})
	var refused *chart.RenderError
	if !errors.As(err, &refused) {
		t.Errorf("error %v, want a RenderError", err)
	}
}
