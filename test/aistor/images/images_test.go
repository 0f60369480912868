package images_test

import (
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/aistor-upgrade/aistor-upgrade/test/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/test/aistor/images"
)

func builder(t *testing.T, pad int64) *images.Builder {
	t.Helper()
	b, err := images.NewBuilder(t.Context(), images.Options{Dir: t.TempDir(), Pad: pad})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPushedImagesAreCompleteAndDeterministic pushes one version's images to two
// registries by two builders, and reads one back as a node would.
func TestPushedImagesAreCompleteAndDeterministic(t *testing.T) {
	t.Parallel()
	wanted, err := images.List(false, "5.10.0")
	if err != nil {
		t.Fatal(err)
	}
	var digests [2]map[string]string
	for i := range digests {
		server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
		t.Cleanup(server.Close)
		host := strings.TrimPrefix(server.URL, "http://")
		pushed, err := builder(t, 4096).Push(t.Context(), images.Target{Registry: host, PlainHTTP: true, Map: images.Mapped("team")}, wanted...)
		if err != nil {
			t.Fatal(err)
		}
		digests[i] = map[string]string{}
		for _, p := range pushed {
			digests[i][p.Source] = p.Digest
		}
		ref, err := name.ParseReference(host+"/team/aistor/operator:RELEASE.2026-07-21T22-41-48Z", name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		image, err := remote.Image(ref)
		if err != nil {
			t.Fatal(err)
		}
		file, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"/operator", "RELEASE.2026-07-21T22-41-48Z"}, []string{file.Config.Entrypoint[0], file.Config.Labels["release"]}); diff != "" {
			t.Errorf("entrypoint and release (-want +got):\n%s", diff)
		}
		if len(file.RootFS.DiffIDs) != 4 {
			t.Errorf("%d layers, want base, program, own and pad", len(file.RootFS.DiffIDs))
		}
	}
	if diff := cmp.Diff(digests[0], digests[1]); diff != "" {
		t.Errorf("digests of two builds (-first +second):\n%s", diff)
	}
	if len(digests[0]) != 10 {
		t.Errorf("%d images, want 10", len(digests[0]))
	}
}

func TestImagesShareTheirLowerLayersOnly(t *testing.T) {
	t.Parallel()
	b := builder(t, 0)
	layers := func(image aistor.Image, arch string) []string {
		built, err := b.Image(image, arch)
		if err != nil {
			t.Fatal(err)
		}
		file, err := built.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, id := range file.RootFS.DiffIDs {
			all = append(all, id.String())
		}
		return all
	}
	minio := layers(aistor.Image{Image: "minio:A"}, "amd64")
	other := layers(aistor.Image{Image: "minio:B"}, "amd64")
	arm := layers(aistor.Image{Image: "minio:A"}, "arm64")
	if diff := cmp.Diff(minio[:2], other[:2]); diff != "" {
		t.Errorf("shared layers (-A +B):\n%s", diff)
	}
	if minio[2] == other[2] {
		t.Error("two tags have the same own layer")
	}
	if minio[1] == arm[1] {
		t.Error("two architectures have the same program")
	}
}

func TestMappingOfAnImageThatIsNotBelowAIStor(t *testing.T) {
	t.Parallel()
	warp := aistor.Image{Repository: "minio", Image: "warp:v1.3.0"}
	got := []string{images.Upstream(warp), images.Mapped("")(warp), images.Mapped("a/b/")(warp)}
	if diff := cmp.Diff([]string{"quay.io/minio/warp:v1.3.0", "minio/warp:v1.3.0", "a/b/minio/warp:v1.3.0"}, got); diff != "" {
		t.Errorf("mapping (-want +got):\n%s", diff)
	}
}

func TestListRefusesAVersionNobodyMade(t *testing.T) {
	t.Parallel()
	if _, err := images.List(false, "9.9.9"); err == nil {
		t.Error("no error for an unknown version")
	}
	if _, err := images.List(false, "1.0.16"); err == nil {
		t.Error("no error for an object store chart, which names no image")
	}
}

func TestImagesOfOtherChartsAreNamedByReference(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"quay.io/minio/kes:A", "quay.io/minio/aistor/kes:A"} {
		image, err := aistor.ParseImage(ref)
		if err != nil || image.Reference() != ref {
			t.Errorf("%s became %s, %v", ref, image.Reference(), err)
		}
	}
	for _, ref := range []string{"docker.io/minio/kes:A", "quay.io/minio/aistor/kes", "quay.io/minio/a/b:A"} {
		if image, err := aistor.ParseImage(ref); err == nil {
			t.Errorf("%s became %v", ref, image)
		}
	}
}
