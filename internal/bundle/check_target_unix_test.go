//go:build unix

package bundle

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// What cannot become a bundle is refused before anything is fetched, and stays
// what it is.
func TestCreateRefusesATargetThatIsNoFile(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1000)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.Mkdir(path("folder"), 0o755), syscall.Mkfifo(path("pipe"), 0o600), os.Symlink(path("folder"), path("link")),
		os.Symlink(path("nothing"), path("dangling")), os.WriteFile(path("mine"), []byte("mine"), 0o600),
		os.Symlink(path("mine"), path("x.partial")), os.Symlink(path("mine"), path("y.partial.state")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		overwrite bool
		want      string
	}{
		"folder":     {true, "is a directory"},
		"link":       {true, "is a directory"},
		"pipe":       {true, "not a regular file"},
		"dangling":   {false, "file already exists"},
		"mine":       {false, "file already exists"},
		"nowhere/b":  {true, "not found"},
		"mine/b":     {true, "not found"},
		"x":          {true, "not a regular file"},
		"y":          {true, "not a regular file"},
		"folder/../": {true, "is a directory"},
	} {
		p := dir + "/" + name
		_, err := Create(t.Context(), p, s.spec, newClient(t, s.Server), CreateOptions{Wait: noWait, Overwrite: tt.overwrite})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	if n := s.CountRequests("."); n > 0 {
		t.Errorf("%d requests were made for nothing", n)
	}
	if string(readFile(t, path("mine"))) != "mine" {
		t.Error("a file behind a link was written to")
	}
}

// blockingFetcher lets a test act while layers are on their way.
type blockingFetcher struct {
	Fetcher
	once    sync.Once
	reached chan struct{}
	release chan struct{}
}

func (h *blockingFetcher) OpenBlob(ctx context.Context, repo images.Ref, digest string, from int64) (io.ReadCloser, int64, error) {
	h.once.Do(func() { close(h.reached) })
	<-h.release
	return h.Fetcher.OpenBlob(ctx, repo, digest, from)
}

// Two at once would write over each other, and the first would call the ruins a
// whole bundle.
func TestTwoCreatesOfOneFile(t *testing.T) {
	t.Parallel()
	for _, partSize := range []int64{0, 40_000} {
		s := newSite(t, 20_000)
		s.spec.PartSize = partSize
		spec := s.spec
		spec.Platforms = []string{"linux/amd64"}
		p := filepath.Join(t.TempDir(), "b.tar")
		// mc is read with its config first, which is a blob as well.
		c := newClient(t, s.Server)
		h := &blockingFetcher{Fetcher: c, reached: make(chan struct{}), release: make(chan struct{})}
		first := make(chan error, 1)
		go func() {
			_, err := Create(context.WithoutCancel(t.Context()), p, spec, onlyLayers{h, c}, CreateOptions{Wait: noWait})
			first <- err
		}()
		<-h.reached
		for _, o := range []CreateOptions{{}, {Restart: true}, {Overwrite: true, Restart: true}} {
			o.Wait = noWait
			_, err := Create(t.Context(), p, spec, c, o)
			var busy *BusyError
			if !errors.As(err, &busy) || busy.Hint() == "" {
				t.Errorf("%+v: got %v, want a BusyError with a hint", o, err)
			}
		}
		close(h.release)
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		mustVerify(t, mustOpen(t, p))
		if fileExists(p + journalSuffix) {
			t.Error("the journal was left behind")
		}
	}
}

// onlyLayers holds back what is not small.
type onlyLayers struct {
	*blockingFetcher
	free Fetcher
}

func (o onlyLayers) OpenBlob(ctx context.Context, repo images.Ref, digest string, from int64) (io.ReadCloser, int64, error) {
	rc, n, err := o.free.OpenBlob(ctx, repo, digest, from)
	if err == nil && n > 5000 {
		_ = rc.Close()
		return o.blockingFetcher.OpenBlob(ctx, repo, digest, from)
	}
	return rc, n, err
}

// A bundle in parts takes the place of one in a file and the other way round:
// the old one would be read for the new one.
func TestOverwriteLeavesNothingOfTheOld(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20_000)
	p := filepath.Join(t.TempDir(), "b.tar")
	make := func(partSize int64, platforms ...string) string {
		t.Helper()
		spec := s.spec
		spec.PartSize, spec.Platforms = partSize, platforms
		sum, err := Create(t.Context(), p, spec, newClient(t, s.Server), CreateOptions{Wait: noWait, Overwrite: true})
		if err != nil {
			t.Fatal(err)
		}
		return sum.Digest
	}
	make(0)
	want := make(30_000, "linux/amd64")
	if b := mustOpen(t, p); b.Digest() != want {
		t.Error("the file is read in place of the parts")
	}
	want = make(0)
	if b := mustOpen(t, p); b.Digest() != want {
		t.Error("the file is not read")
	}
	if list, _ := filepath.Glob(p + ".*"); len(list) > 0 {
		t.Errorf("left behind: %v", list)
	}
}

// A disk that takes no large files, as memory sticks are sold, is helped by
// parts.
func TestAFileTooLargeForTheDisk(t *testing.T) {
	t.Parallel()
	w := &writer{path: "b.tar", plan: &plan{layout: &layout{size: 5 << 30}}}
	err := w.explainError(&os.PathError{Op: "truncate", Path: "b.tar.partial", Err: syscall.EFBIG})
	var tooLarge *FileSizeError
	if !errors.As(err, &tooLarge) || !strings.Contains(tooLarge.Hint(), "--part-size") {
		t.Errorf("got %v", err)
	}
}

// What was refused leaves nothing behind.
func TestARefusedCreateLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20_000)
	dir := t.TempDir()
	spec := s.spec
	spec.PartSize = 100
	_, err := Create(t.Context(), filepath.Join(dir, "b.tar"), spec, newClient(t, s.Server), CreateOptions{Wait: noWait})
	if err == nil {
		t.Fatal("parts of 100 bytes were made")
	}
	full := CreateOptions{Wait: noWait, FreeSpace: func(string) (int64, error) { return 1, nil }}
	if _, err := Create(t.Context(), filepath.Join(dir, "c.tar"), s.spec, newClient(t, s.Server), full); err == nil {
		t.Fatal("a bundle was made on a full disk")
	}
	if list, _ := filepath.Glob(dir + "/*"); len(list) > 0 {
		t.Errorf("left behind: %v", list)
	}
}

// The sums are there before the parts have their names: who is interrupted
// while they are taken continues as from anywhere else.
func TestInterruptedWhileSumming(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20_000)
	s.spec.PartSize = 30_000
	p := filepath.Join(t.TempDir(), "b.tar")
	if err := os.Mkdir(p+".SHA256SUMS", 0o755); err != nil { // it cannot be written
		t.Fatal(err)
	}
	if _, err := Create(t.Context(), p, s.spec, newClient(t, s.Server), CreateOptions{Wait: noWait}); err == nil {
		t.Fatal("the sums went nowhere and nobody says so")
	}
	if err := os.Remove(p + ".SHA256SUMS"); err != nil {
		t.Fatal(err)
	}
	s.ResetLog()
	if _, err := Create(t.Context(), p, s.spec, newClient(t, s.Server), CreateOptions{Wait: noWait}); err != nil {
		t.Fatal(err)
	}
	mustVerify(t, mustOpen(t, p))
	if n := s.CountRequests("GET .*blobs/"); n > 1 { // the config that names a platform
		t.Errorf("%d blobs were fetched again", n)
	}
}
