package chart_test

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// loadPublished loads one published chart, and skips where they are not at hand:
// they are the vendor's and are not part of this project.
func loadPublished(t testing.TB, name, version string) *chart.Chart {
	t.Helper()
	dir := os.Getenv("AISTOR_CHARTS")
	if dir == "" {
		t.Skip("AISTOR_CHARTS names no folder with the published charts")
	}
	path := filepath.Join(dir, name+"-"+version+".tgz")
	if c, ok := loaded.Load(path); ok {
		return c.(*chart.Chart)
	}
	c, err := chart.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	loaded.Store(path, c)
	return c
}

var loaded sync.Map

type imageOracle struct {
	version           string
	defaults, options []string
}

// readOracle reads testdata/published-images.txt; see there for its form.
func readOracle(t testing.TB) []imageOracle {
	t.Helper()
	f, err := os.Open("testdata/published-images.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []imageOracle
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		if strings.HasPrefix(s.Text(), "#") || len(fields) == 0 {
			continue
		}
		o := imageOracle{version: fields[0]}
		for _, f := range fields[1:] {
			name, tag, _ := strings.Cut(strings.TrimPrefix(f, "+"), "=")
			base := "quay.io/minio/aistor/"
			if rest, ok := strings.CutPrefix(name, "minio/"); ok {
				base, name = "quay.io/minio/", rest
			}
			switch {
			case strings.HasSuffix(tag, "!"):
				tag = strings.TrimSuffix(tag, "!")
			case !strings.HasPrefix(tag, "v"):
				tag = "RELEASE." + tag
			}
			ref := base + name + ":" + tag
			if strings.HasPrefix(f, "+") {
				o.options = append(o.options, ref)
			} else {
				o.defaults = append(o.defaults, ref)
			}
		}
		out = append(out, o)
	}
	return out
}

func TestDiscoverAgreesWithWhatEveryPublishedOperatorChartPulls(t *testing.T) {
	t.Parallel()
	cases := readOracle(t)
	if len(cases) != 24 {
		t.Fatalf("the oracle has %d versions, want 24", len(cases))
	}
	for _, tc := range cases {
		t.Run(tc.version, func(t *testing.T) {
			t.Parallel()
			c := loadPublished(t, aistor.OperatorChartFor(tc.version), tc.version)
			list, err := chart.Discover(c, chart.RenderOptions{Namespace: "aistor"}, chart.DiscoverOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defaults, options := []string{}, []string{}
			for _, i := range list {
				switch i.Reasons[0].Kind {
				case images.KindDefault:
					defaults = append(defaults, i.Ref.String())
				case images.KindOptional:
					options = append(options, i.Ref.String())
				default:
					t.Errorf("%s has kind %s", i.Ref, i.Reasons[0].Kind)
				}
			}
			slices.Sort(tc.defaults)
			slices.Sort(tc.options)
			if diff := cmp.Diff(tc.defaults, defaults); diff != "" {
				t.Errorf("default images (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.options, options); diff != "" {
				t.Errorf("optional images (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiscoverFindsNothingInAnObjectStoreChartByItself(t *testing.T) {
	t.Parallel()
	for _, v := range objectStoreVersions() {
		t.Run(v, func(t *testing.T) {
			t.Parallel()
			c := loadPublished(t, aistor.ObjectStoreChart, v)
			list, err := chart.Discover(c, chart.RenderOptions{Values: testCredentials()}, chart.DiscoverOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(list) != 0 {
				t.Errorf("found %v, want none: the operator decides", list)
			}
		})
	}
}

func TestDiscoverFindsEveryFieldOfAnObjectStore(t *testing.T) {
	t.Parallel()
	for _, v := range objectStoreVersions() {
		t.Run(v, func(t *testing.T) {
			t.Parallel()
			values := testCredentials()
			values["objectStore"] = map[string]any{
				"image":          map[string]any{"repository": "quay.io/minio/aistor/minio", "tag": "RELEASE.2026-06-06T02-44-06Z"},
				"initContainers": []any{map[string]any{"name": "i", "image": "docker.io/library/busybox:1.37"}},
				"sideCars":       map[string]any{"containers": []any{map[string]any{"name": "s", "image": "ghcr.io/x/agent:v1@sha256:" + strings.Repeat("a", 64)}}},
				"kes": map[string]any{
					"configuration": "address: :7373", "replicas": 1,
					"image": map[string]any{"repository": "quay.io/minio/aistor/kes@sha256", "digest": strings.Repeat("b", 64)},
				},
			}
			values["extraResources"] = []any{"apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  template:\n    spec:\n      containers:\n      - image: quay.io/minio/aistor/mc:RELEASE.2026-06-24T01-47-10Z\n"}
			want := []string{
				"docker.io/library/busybox:1.37",
				"ghcr.io/x/agent:v1@sha256:" + strings.Repeat("a", 64),
				"quay.io/minio/aistor/kes@sha256:" + strings.Repeat("b", 64),
				"quay.io/minio/aistor/mc:RELEASE.2026-06-24T01-47-10Z",
				"quay.io/minio/aistor/minio:RELEASE.2026-06-06T02-44-06Z",
			}
			if aistor.VersionBefore(v, "1.0.10") { // no sideCars yet
				want = slices.Delete(want, 1, 2)
			}
			c := loadPublished(t, aistor.ObjectStoreChart, v)
			list, err := chart.Discover(c, chart.RenderOptions{Values: values}, chart.DiscoverOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, imageRefs(list)); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
		})
	}
}

func objectStoreVersions() []string {
	return strings.Fields("1.0.3 1.0.5 1.0.6 1.0.7 1.0.8 1.0.9 1.0.10 1.0.11 1.0.12 1.0.13 1.0.14 1.0.15 1.0.16")
}

func testCredentials() map[string]any {
	return map[string]any{"secrets": map[string]any{"accessKey": "an-access-key", "secretKey": "a-secret-key"}}
}

func imageRefs(list []images.Image) []string {
	out := make([]string, len(list))
	for i, image := range list {
		out[i] = image.Ref.String()
	}
	return out
}
