package values_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const registry = "registry.example.com:5000"

func newRender(c *chart.Chart) values.Render {
	return func(v map[string]any) ([]images.Object, error) {
		r, err := c.Render(chart.RenderOptions{Values: v, Namespace: "aistor", Quick: true, Shared: true})
		if err != nil {
			return nil, err
		}
		return r.PlainObjects(), nil
	}
}

func exampleChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := chart.Load("../chart/testdata/example")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mustRewrite is a values file after rewriting for the example chart.
func mustRewrite(t *testing.T, src string, change func(*values.Input)) (string, *values.Result) {
	t.Helper()
	user, err := chart.ParseValues([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	c := exampleChart(t)
	in := values.Input{
		ChartName: c.Name, ChartVersion: c.Version, Values: user, Render: newRender(c),
		Mirror: images.Mirror{Registry: registry}, PullSecret: "pull",
	}
	if change != nil {
		change(&in)
	}
	got, err := values.Rewrite(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := values.Apply([]byte(src), got.Edits)
	if err != nil {
		t.Fatal(err)
	}
	return string(out), got
}

func TestRewriteWritesTheKeysThatHaveAnEffect(t *testing.T) {
	t.Parallel()
	out, got := mustRewrite(t, "# ours\nrepositories:\n  minio: {hostname: old} # no effect\nlicense: x # keep\n", nil)
	want := `# ours
repositories:
  minio: {hostname: old} # no effect
  aistor:
    hostname: registry.example.com:5000
    pathPrefix: aistor/
    imagePullSecrets:
      - name: pull
license: x # keep
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("file (-want +got):\n%s", diff)
	}
	if len(got.Ineffective) != 1 || got.Ineffective[0].String() != "repositories.minio" {
		t.Errorf("without effect: %v", got.Ineffective)
	}
	if len(got.Warnings) != 1 || !strings.Contains(got.Warnings[0], "Job/before") {
		t.Errorf("warnings %v", got.Warnings)
	}
	// The chart's hooks name their images without any setting.
	var refs []string
	for _, u := range got.Unresolved {
		refs = append(refs, u.Ref.String())
	}
	if diff := cmp.Diff([]string{"docker.io/library/busybox:1.37", "quay.io/minio/aistor/mc:RELEASE.2026-06-24T01-47-10Z"}, refs); diff != "" {
		t.Errorf("unresolved (-want +got):\n%s", diff)
	}
}

func TestRewriteFollowsTheMirrorsRules(t *testing.T) {
	t.Parallel()
	_, got := mustRewrite(t, "", func(in *values.Input) {
		in.Mirror.Rules = []images.Rule{{From: "quay.io/minio/aistor", To: "tenant/a"}}
		in.PullSecret = ""
	})
	if diff := cmp.Diff(m{"repositories": m{"aistor": m{"hostname": registry, "pathPrefix": "tenant/a/"}}}, got.Values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// An address that makes no reference hides no image from the proof: it is
// replaced like any other.
func TestRewriteReplacesAHostThatIsNone(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"https://reg.example.com/", "http://reg.example.com", "reg.example.com:5000/", "reg_x.example.com", "user:pw@reg.example.com", "fd00::1", "1234"} {
		_, got := mustRewrite(t, "repositories: {aistor: {hostname: '"+host+"', pathPrefix: /AIStor}}", nil)
		if len(got.Images) != len(rewrittenPlainly(t).Images) || values.GetString(got.Values, "repositories", "aistor", "hostname") != registry {
			t.Errorf("%s: %d images, %v", host, len(got.Images), got.Values)
		}
	}
}

func rewrittenPlainly(t *testing.T) *values.Result {
	t.Helper()
	_, got := mustRewrite(t, "", nil)
	return got
}

func TestRewriteNamesStalePins(t *testing.T) {
	t.Parallel()
	_, got := mustRewrite(t, "images: {operator: {image: 'operator:RELEASE.2025-08-19T17-53-00Z'}, minio: {image: 'minio:RELEASE.2027-01-01T00-00-00Z'}}", nil)
	if len(got.Pins) != 2 || got.Pins[0].IsStale() || !got.Pins[1].IsStale() || got.Pins[1].Path.String() != "images.operator" {
		t.Errorf("pins %+v", got.Pins)
	}
}

func TestRewriteKeepsAnotherSecretOfAnObjectStore(t *testing.T) {
	t.Parallel()
	in := values.Input{
		ChartName: "aistor-objectstore", ChartVersion: "1.0.16", Mirror: images.Mirror{Registry: registry}, PullSecret: "pull",
		Values: m{"objectStore": m{"imagePullSecret": m{"name": "corporate"}}},
		Render: func(m) ([]images.Object, error) { return nil, nil },
	}
	got, err := values.Rewrite(in)
	if err != nil || len(got.Edits) != 0 || len(got.Warnings) != 1 {
		t.Errorf("edits %v, warnings %v, %v", got.Edits, got.Warnings, err)
	}
}

func TestRewriteChangesASingleTag(t *testing.T) {
	t.Parallel()
	const tag = "RELEASE.2026-09-07T00-00-00Z"
	for name, tc := range map[string]struct{ src, want string }{
		"a tag": {"objectStore:\n  image:\n    repository: registry.example.com:5000/x/minio\n    tag: RELEASE.2026-06-06T02-44-06Z # now\n",
			"objectStore:\n  image:\n    repository: registry.example.com:5000/x/minio\n    tag: " + tag + " # now\n"},
		"a public one": {"objectStore:\n  image: {repository: quay.io/minio/aistor/minio, tag: RELEASE.2026-06-06T02-44-06Z}\n",
			"objectStore:\n  image: {repository: registry.example.com:5000/aistor/minio, tag: " + tag + "}\n"},
		"none": {"objectStore:\n  name: s\n",
			"objectStore:\n  name: s\n  image:\n    repository: registry.example.com:5000/aistor/minio\n    tag: " + tag + "\n"},
		"a digest": {"objectStore:\n  image:\n    repository: registry.example.com:5000/aistor/minio@sha256\n    digest: " + strings.Repeat("a", 64) + "\n",
			"objectStore:\n  image:\n    repository: registry.example.com:5000/aistor/minio\n    tag: " + tag + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, _ := mustRewrite(t, tc.src, func(in *values.Input) {
				in.ChartName, in.ImageOnly = "aistor-objectstore", tag
			})
			if diff := cmp.Diff(tc.want, out); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRewriteRefusesATagThatIsNone(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"bad tag", "minio:x", "x@sha256:" + strings.Repeat("a", 64), "a/b", "-x"} {
		_, err := values.Rewrite(values.Input{ChartName: "aistor-objectstore", ImageOnly: tag, Mirror: images.Mirror{Registry: registry}})
		var refused *values.TagError
		if !errors.As(err, &refused) {
			t.Errorf("%q: error %v", tag, err)
		}
	}
}

func TestRewriteGivesTheChartsRefusal(t *testing.T) {
	t.Parallel()
	c := exampleChart(t)
	_, err := values.Rewrite(values.Input{
		ChartName: c.Name, ChartVersion: c.Version, Render: newRender(c), Mirror: images.Mirror{Registry: registry},
		Values: m{"images": m{"mc": m{"repository": "nowhere"}}},
	})
	var refused *chart.RenderError
	if !errors.As(err, &refused) {
		t.Errorf("error %v, want the chart's", err)
	}
	if _, err := values.Rewrite(values.Input{ChartName: c.Name}); err == nil {
		t.Error("a mirror without a registry was taken")
	}
}

func TestDiffIsUnified(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"v.yaml", "/v.yaml"} {
		if got := values.UnifiedDiff([]byte("a\nb\n"), []byte("a\nc\n"), name); got != "--- a/v.yaml\n+++ b/v.yaml\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n" {
			t.Errorf("diff of %s: %q", name, got)
		}
	}
	if got := values.UnifiedDiff([]byte("a\n"), []byte("a\n"), "v.yaml"); got != "" {
		t.Errorf("diff of the same %q", got)
	}
}
