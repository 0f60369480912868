package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func TestDescribeNamesTheRegistryThatTheValuesName(t *testing.T) {
	t.Parallel()
	repo := func(host, prefix, secret string) map[string]any {
		m := map[string]any{"hostname": host}
		if prefix != "" {
			m["pathPrefix"] = prefix
		}
		if secret != "" {
			m["imagePullSecrets"] = []any{map[string]any{"name": secret}}
		}
		return m
	}
	for _, tc := range []struct {
		name         string
		repositories map[string]any
		want         SiteRegistry
	}{
		{"none", nil, SiteRegistry{PullSecret: PullSecretNone}},
		{"the public one", map[string]any{"aistor": repo("quay.io", "minio/aistor/", "")}, SiteRegistry{PullSecret: PullSecretNone}},
		{"the usual layout needs no rules", map[string]any{"aistor": repo("r.example:5000", "aistor/", "s"), "minio": repo("r.example:5000", "minio/", "s")},
			SiteRegistry{Mirror: images.Mirror{Registry: "r.example:5000"}, PullSecret: "s"}},
		{"a layout of its own is kept for both names", map[string]any{"aistor": repo("r.example", "team/aistor/", ""), "minio": repo("r.example", "minio", "")},
			SiteRegistry{Mirror: images.Mirror{Registry: "r.example", Rules: []images.Rule{
				{From: "quay.io/minio/aistor", To: "team/aistor"}, {From: "quay.io/minio", To: "minio"},
			}}, PullSecret: PullSecretNone}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := &Facts{Operator: &InstalledRelease{Values: map[string]any{"repositories": tc.repositories}}}
			if diff := cmp.Diff(tc.want, DescribeSite(f).Registry); diff != "" {
				t.Errorf("registry (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDescribeListsImagesOfFeaturesThatAreOn(t *testing.T) {
	t.Parallel()
	f := &Facts{Operator: &InstalledRelease{Manifest: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: prompt-operator}\ndata:\n  prompt: |\n    image: r.example/aistor/prompt:v1\n"}}
	want := []images.Ref{{Host: "r.example", Path: "aistor/prompt", Tag: "v1"}}
	if diff := cmp.Diff(want, DescribeSite(f).ConfiguredImages); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}
