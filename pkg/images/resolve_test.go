package images_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func TestResolveSelectsPlatforms(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	platforms := []string{"linux/amd64", "linux/arm64", "linux/s390x"}
	index := p.public.AddIndex(t, "minio/aistor/minio", "v1", platforms)
	single := p.public.AddImage(t, "minio/aistor/mc", "v1", "linux/amd64", []byte("layer"))
	tests := map[string]struct {
		ref                string
		want               []string
		platforms, missing []string
		manifests          int
		top                string // empty: a digest of its own
		fails              string
	}{
		"no platforms keep the index":            {ref: "minio/aistor/minio:v1", platforms: platforms, manifests: 5, top: index.Digest},
		"one platform is its own manifest":       {ref: "minio/aistor/minio:v1", want: []string{"linux/arm64"}, platforms: []string{"linux/arm64"}, manifests: 1},
		"two platforms are a new index":          {ref: "minio/aistor/minio:v1", want: platforms[:2], platforms: platforms[:2], manifests: 3},
		"a platform that is missing is reported": {ref: "minio/aistor/minio:v1", want: []string{"linux/arm64", "linux/ppc64le"}, platforms: []string{"linux/arm64"}, missing: []string{"linux/ppc64le"}, manifests: 1},
		"a digest is kept as it is":              {ref: "minio/aistor/minio@" + index.Digest, want: platforms[:1], platforms: platforms, manifests: 5, top: index.Digest},
		"none of the platforms":                  {ref: "minio/aistor/minio:v1", want: []string{"linux/ppc64le"}, fails: "linux/ppc64le"},
		"a single image":                         {ref: "minio/aistor/mc:v1", want: []string{"linux/amd64"}, platforms: []string{"linux/amd64"}, manifests: 1, top: single.Digest},
		"a single image of another platform":     {ref: "minio/aistor/mc:v1", want: []string{"linux/arm64"}, fails: "linux/amd64"},
		"a reference that does not exist":        {ref: "minio/aistor/mc:v2", fails: "mc:v2"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, err := images.Resolve(t.Context(), p.client, p.publicRef(t, tt.ref), tt.want)
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("got %v, want %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.platforms, tree.Platforms) + cmp.Diff(tt.missing, tree.Missing); diff != "" {
				t.Error(diff)
			}
			if len(tree.Order) != tt.manifests || tt.top != "" && tree.Top.Digest != tt.top {
				t.Errorf("%d manifests below %s, want %d below %s", len(tree.Order), tree.Top.Digest, tt.manifests, tt.top)
			}
			if last := tree.Order[len(tree.Order)-1]; last.Digest != tree.Top.Digest {
				t.Errorf("the last manifest is %s, not the top %s", last.Digest, tree.Top.Digest)
			}
		})
	}
}

func TestResolveOfPlatformsIsReproducible(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	p.public.AddIndex(t, "minio/aistor/minio", "v1", []string{"linux/amd64", "linux/arm64", "linux/s390x"})
	var digests []string
	for _, want := range [][]string{{"linux/amd64", "linux/arm64"}, {"linux/arm64", "linux/amd64"}} {
		tree, err := images.Resolve(t.Context(), p.client, p.publicRef(t, serverImage), want)
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, tree.Top.Digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("the same platforms give %v", digests)
	}
}

func TestResolveRefusesHostileImages(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	descriptor := func(d images.Descriptor) map[string]any {
		return map[string]any{"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size}
	}
	manifest := func(tag string, config map[string]any) images.Descriptor {
		return p.public.AddManifest(t, "minio/x", tag, images.MediaTypeOCIManifest, map[string]any{"schemaVersion": 2, "config": config})
	}
	config := p.public.AddBlob("minio/x", []byte(`{"os":"linux","architecture":"amd64"}`))
	manifest("large-config", map[string]any{"digest": config.Digest, "size": 1 << 30})
	manifest("wrong-size", map[string]any{"digest": config.Digest, "size": config.Size + 1})
	nested := manifest("", descriptor(config))
	for depth := range 6 {
		nested = p.public.AddManifest(t, "minio/x", "nested", images.MediaTypeOCIIndex, map[string]any{
			"schemaVersion": 2, "manifests": []any{descriptor(nested)}, "annotations": map[string]string{"depth": strings.Repeat("x", depth)},
		})
	}
	for tag, want := range map[string]string{
		"large-config": "too many", "wrong-size": "digest mismatch", "nested": "nested too deeply",
	} {
		if _, err := images.Resolve(t.Context(), p.client, p.publicRef(t, "minio/x:"+tag), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", tag, err, want)
		}
	}
}

func TestFindReferrers(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	index := p.public.AddIndex(t, "minio/aistor/minio", "v1", []string{"linux/amd64", "linux/arm64"})
	sbom := p.public.AddReferrer(t, "minio/aistor/minio", index, "application/spdx+json", []byte("sbom"))
	signature := p.public.AddCosign(t, "minio/aistor/minio", sbom, []byte("signature of the SBOM"))
	p.public.AddIndex(t, "minio/aistor/minio", "unsigned", []string{"linux/amd64"}, []byte("other"))
	tests := map[string]struct {
		ref       string
		platforms []string
		found     map[string]string // artifact type by digest
		lost      bool
	}{
		"of the whole index, and theirs in turn": {ref: "minio/aistor/minio:v1", found: map[string]string{
			sbom.Digest: "application/spdx+json", signature.Digest: "application/vnd.oci.image.config.v1+json"}},
		"lost where one platform is carried": {ref: "minio/aistor/minio:v1", platforms: []string{"linux/amd64"}, found: map[string]string{}, lost: true},
		"none":                               {ref: "minio/aistor/minio:unsigned", found: map[string]string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree, err := images.Resolve(t.Context(), p.client, p.publicRef(t, tt.ref), tt.platforms)
			if err != nil {
				t.Fatal(err)
			}
			list, lost, err := images.FindReferrers(t.Context(), p.client, tree)
			got := map[string]string{}
			for _, r := range list {
				got[r.Tree.Top.Digest] = r.ArtifactType
			}
			if diff := cmp.Diff(tt.found, got); diff != "" || err != nil || lost != tt.lost {
				t.Errorf("lost %v, want %v; %v\n%s", lost, tt.lost, err, diff)
			}
		})
	}
}

func TestOpenResumingContinuesWhereItBroke(t *testing.T) {
	t.Parallel()
	layer := registrytest.NewLayer(5, 100_000)
	once := registrytest.Fault{Match: "^GET .*/blobs/", BreakAfter: 30_000, Times: 1}
	tests := map[string]struct {
		faults []registrytest.Fault
		opens  bool
		reads  bool
	}{
		"broken once":                 {[]registrytest.Fault{once}, true, true},
		"broken after every 30 kB":    {[]registrytest.Fault{{Match: once.Match, BreakAfter: 30_000}}, true, true},
		"no byte after it was broken": {[]registrytest.Fault{once, {Match: once.Match, BreakAfter: 0}}, true, false},
		"refused after it was broken": {[]registrytest.Fault{once, {Match: once.Match, Status: 403}}, true, false},
		"refused from the start":      {[]registrytest.Fault{{Match: once.Match, Status: 403}}, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newRegistryPair(t)
			d := p.public.AddBlob("minio/x", layer)
			for _, f := range tt.faults {
				p.public.InjectFault(f)
			}
			rc, err := images.OpenResuming(t.Context(), p.client, p.publicRef(t, "minio/x:v1"), d.Digest, 0)
			if (err == nil) != tt.opens {
				t.Fatalf("opening: %v", err)
			}
			if err != nil {
				return
			}
			defer rc.Close()
			got, err := io.ReadAll(rc)
			if tt.reads != (err == nil && images.DigestOf(got) == d.Digest) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

func TestPlatformErrorNamesWhatThereIs(t *testing.T) {
	t.Parallel()
	p := newRegistryPair(t)
	p.public.AddIndex(t, "minio/x", "v1", []string{"linux/amd64"})
	_, err := images.Resolve(t.Context(), p.client, p.publicRef(t, "minio/x:v1"), []string{"linux/arm64"})
	var none *images.PlatformError
	if !errors.As(err, &none) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff([]string{"linux/amd64"}, none.Available); diff != "" {
		t.Error(diff)
	}
}
