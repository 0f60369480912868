package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func TestCreatePlatforms(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20_000)
	tests := map[string]struct {
		platforms []string
		images    []string
		manifests int // of the operator image, top included
		kept      bool
		missing   int
	}{
		"all keeps the index with its attestation": {nil, []string{"linux/amd64", "linux/arm64"}, 4, true, 0},
		"one takes that platform's manifest":       {[]string{"linux/amd64"}, []string{"linux/amd64"}, 1, false, 0},
		"several rebuild the index":                {[]string{"linux/arm64", "linux/amd64"}, []string{"linux/amd64", "linux/arm64"}, 3, false, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := s.spec
			spec.Platforms = tt.platforms
			b := s.createBundle(t, spec)
			mustVerify(t, b)
			var op, mc ImageEntry
			for _, e := range b.Images() {
				switch e.Ref.Base() {
				case "operator":
					op = e
				case "mc":
					mc = e
				}
			}
			if diff := cmp.Diff(tt.images, op.Platforms); diff != "" {
				t.Error(diff)
			}
			w := &blobWalker{b: b}
			if err := w.walkManifests(images.Descriptor{MediaType: op.MediaType, Digest: op.Digest, Size: op.Size}, 0); err != nil {
				t.Fatal(err)
			}
			if len(w.manifests) != tt.manifests {
				t.Errorf("%d manifests, want %d", len(w.manifests), tt.manifests)
			}
			if kept := op.SourceDigest == ""; kept != tt.kept {
				t.Errorf("top digest kept = %v, want %v", kept, tt.kept)
			}
			if len(mc.Missing) != tt.missing {
				t.Errorf("missing platforms of mc = %v", mc.Missing)
			}
		})
	}
}

func TestCreateRefusesAnImageWithoutThePlatform(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1000)
	spec := s.spec
	spec.Platforms = []string{"linux/arm64"}
	_, err := Create(t.Context(), filepath.Join(t.TempDir(), "b"), spec, newClient(t, s.Server), CreateOptions{})
	var pe *images.PlatformError
	if !errors.As(err, &pe) || pe.Ref.Base() != "mc" {
		t.Fatalf("got %v, want a PlatformError for mc", err)
	}
}

func TestCreateKeepsAPinnedDigestWhole(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1000)
	d, err := newClient(t, s.Server).Resolve(t.Context(), s.spec.Images[0].Ref)
	if err != nil {
		t.Fatal(err)
	}
	spec := Spec{Images: []images.Image{s.spec.Images[0]}, Platforms: []string{"linux/amd64"}}
	spec.Images[0].Ref.Digest = d.Digest
	b := s.createBundle(t, spec)
	if got := b.Images()[0]; got.Digest != d.Digest || got.SourceDigest != "" {
		t.Errorf("carried %s from %q, want %s untouched", got.Digest, got.SourceDigest, d.Digest)
	}
}

func TestCreateIsDeterministic(t *testing.T) {
	t.Parallel()
	s := newSite(t, 5000)
	one := s.createBundle(t, s.spec)
	spec := s.spec
	spec.Images = []images.Image{s.spec.Images[2], s.spec.Images[0], s.spec.Images[1]}
	spec.Charts = []ChartFile{s.spec.Charts[1], s.spec.Charts[0]}
	two := s.createBundle(t, spec)
	if !bytes.Equal(readFile(t, one.Path()), readFile(t, two.Path())) {
		t.Error("the same inputs in another order gave other bytes")
	}
}

// The file must read as a plain tar with an OCI layout in it: that is what
// other tools see.
func TestBundleIsAPlainTar(t *testing.T) {
	t.Parallel()
	s := newSite(t, 5000)
	b := s.createBundle(t, s.spec)
	tr := tar.NewReader(bytes.NewReader(readFile(t, b.Path())))
	var names []string
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if hex, ok := strings.CutPrefix(h.Name, blobPrefix); ok && images.DigestOf(body) != "sha256:"+hex {
			t.Errorf("%s holds other bytes", h.Name)
		}
	}
	if len(names) < 10 || names[0] != "oci-layout" || names[1] != "index.json" {
		t.Errorf("entries: %v", names)
	}
}

func TestChartsComeBackByteForByte(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1000)
	b := s.createBundle(t, s.spec)
	for _, c := range s.spec.Charts {
		for _, version := range []string{c.Version, ""} {
			got, err := b.Chart(c.Name, version)
			if err != nil || !bytes.Equal(got, c.Data) {
				t.Errorf("chart %s: %v, equal %v", c.Name, err, bytes.Equal(got, c.Data))
			}
		}
	}
	if _, err := b.Chart("aistor-operator", "5.9.0"); err == nil {
		t.Error("a chart that is not there was returned")
	}
}

// limitedFetcher stops the world after so many bytes of blobs.
type limitedFetcher struct {
	Fetcher
	left   *atomic.Int64
	cancel context.CancelFunc
}

type limitedBody struct {
	io.ReadCloser
	l *limitedFetcher
}

func (l *limitedFetcher) OpenBlob(ctx context.Context, repo images.Ref, digest string, from int64) (io.ReadCloser, int64, error) {
	rc, n, err := l.Fetcher.OpenBlob(ctx, repo, digest, from)
	return &limitedBody{rc, l}, n, err
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), 4096)])
	if b.l.left.Add(-int64(n)) <= 0 {
		b.l.cancel()
		return 0, context.Canceled
	}
	return n, err
}

func TestCreateContinues(t *testing.T) {
	t.Parallel()
	for _, noRange := range []bool{false, true} {
		for _, percent := range []int64{10, 50, 90} {
			for _, partSize := range []int64{0, 300_000} {
				name := map[bool]string{false: "range", true: "no range"}[noRange]
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					testContinues(t, percent, partSize, noRange)
				})
			}
		}
	}
}

func testContinues(t *testing.T, percent, partSize int64, noRange bool) {
	var opts []registrytest.Option
	if noRange {
		opts = append(opts, registrytest.WithoutRange())
	}
	s := newSite(t, 600_000, opts...)
	spec := s.spec
	spec.PartSize = partSize
	c := newClient(t, s.Server)
	whole := s.createBundle(t, s.spec)
	total := s.BytesServed()
	s.ResetLog()

	p := filepath.Join(t.TempDir(), "b.tar")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &limitedFetcher{Fetcher: c, left: &atomic.Int64{}, cancel: cancel}
	l.left.Store(total * percent / 100)
	if _, err := Create(ctx, p, spec, l, CreateOptions{Concurrency: 2, Wait: noWait}); err == nil {
		t.Fatal("an interrupted create succeeded")
	}
	if _, err := Open(p); err == nil {
		t.Fatal("an unfinished bundle was opened")
	}
	sum, err := Create(t.Context(), p, spec, c, CreateOptions{Concurrency: 2, Wait: noWait})
	if err != nil {
		t.Fatal(err)
	}
	b := mustOpen(t, p)
	mustVerify(t, b)
	if b.Digest() != whole.Digest() {
		t.Error("the continued bundle is another one")
	}
	if sum.Kept == 0 && percent > 10 {
		t.Error("nothing was kept")
	}
	// What the run needed beyond one full download. Without Range the torn
	// blobs, one a worker, may come again.
	fetched := sum.Fetched + sum.Kept
	if fetched > total {
		t.Errorf("kept %d and fetched %d of %d", sum.Kept, sum.Fetched, total)
	}
	// The last 4 KiB before the stop, of each of two workers, may come twice.
	if again := total*percent/100 - sum.Kept; !noRange && again > total/20 {
		t.Errorf("%d of %d bytes were fetched again", again, total)
	}
	if fileExists(p+partialSuffix) || fileExists(p+journalSuffix) {
		t.Error("leftovers remain")
	}
}

func TestCreateAfterATagMoved(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50_000)
	p := filepath.Join(t.TempDir(), "b.tar")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &limitedFetcher{Fetcher: newClient(t, s.Server), left: &atomic.Int64{}, cancel: cancel}
	l.left.Store(60_000)
	if _, err := Create(ctx, p, s.spec, l, CreateOptions{Concurrency: 1}); err == nil {
		t.Fatal("an interrupted create succeeded")
	}
	s.AddImage(t, "minio/aistor/mc", "RELEASE.C", "linux/amd64", registrytest.NewLayer(99, 1000))
	_, err := Create(t.Context(), p, s.spec, newClient(t, s.Server), CreateOptions{})
	var ce *ChangedError
	if !errors.As(err, &ce) || !strings.Contains(ce.Subject, "mc:RELEASE.C") || ce.Expected == "" || !strings.Contains(ce.Hint(), "--restart") {
		t.Fatalf("got %v, want a ChangedError that names the image", err)
	}
	if _, err := Create(t.Context(), p, s.spec, newClient(t, s.Server), CreateOptions{Restart: true}); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, mustOpen(t, p))
}

func TestCreateDoesNotTrustWhatItFinds(t *testing.T) {
	t.Parallel()
	s := newSite(t, 300_000)
	p := filepath.Join(t.TempDir(), "b.tar")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &limitedFetcher{Fetcher: newClient(t, s.Server), left: &atomic.Int64{}, cancel: cancel}
	l.left.Store(900_000)
	if _, err := Create(ctx, p, s.spec, l, CreateOptions{Concurrency: 1}); err == nil {
		t.Fatal("an interrupted create succeeded")
	}
	b := readFile(t, p+partialSuffix)
	for i := range b {
		if i > 20_000 && i%50_000 == 0 {
			b[i] ^= 0xff
		}
	}
	writeFile(t, p+partialSuffix, b)
	if _, err := Create(t.Context(), p, s.spec, newClient(t, s.Server), CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, mustOpen(t, p))
}

func TestCreateSpace(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1000)
	p := filepath.Join(t.TempDir(), "b.tar")
	_, err := Create(t.Context(), p, s.spec, newClient(t, s.Server), CreateOptions{
		FreeSpace: func(string) (int64, error) { return 4096, nil },
	})
	var se *SpaceError
	if !errors.As(err, &se) || se.Available != 4096 || se.Required < 5000 {
		t.Fatalf("got %v, want a SpaceError", err)
	}
	if fileExists(p + partialSuffix) {
		t.Error("a file was laid out all the same")
	}
}

func TestCreateLeavesAnExistingBundle(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1000)
	p := filepath.Join(t.TempDir(), "b.tar")
	writeFile(t, p, []byte("precious"))
	_, err := Create(t.Context(), p, s.spec, newClient(t, s.Server), CreateOptions{})
	if !errors.Is(err, os.ErrExist) {
		t.Fatalf("got %v, want ErrExist", err)
	}
	if _, err := Create(t.Context(), p, s.spec, newClient(t, s.Server), CreateOptions{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
}
