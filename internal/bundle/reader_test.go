package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// smallBundle is as small as a bundle gets with every sort of content in it.
func smallBundle(t testing.TB) []byte {
	t.Helper()
	s := newSite(t, 2000)
	return readFile(t, s.createBundle(t, s.spec).Path())
}

// isDamaged reports whether opening or verifying finds something.
func isDamaged(t testing.TB, p string) bool {
	t.Helper()
	b, err := Open(p)
	if err != nil {
		return true
	}
	defer b.Close()
	problems, err := b.Verify(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(problems) > 0
}

func TestEveryChangedByteIsFound(t *testing.T) {
	t.Parallel()
	whole := smallBundle(t)
	p := filepath.Join(t.TempDir(), "b")
	writeFile(t, p, whole)
	if isDamaged(t, p) {
		t.Fatal("the bundle is found damaged as it is")
	}
	r := rand.New(rand.NewPCG(1, 2))
	n := 1000
	if testing.Short() {
		n = 100
	}
	for i := range n {
		at := r.IntN(len(whole))
		if i < n/2 {
			at = r.IntN(min(len(whole), 16<<10)) // where the structure is
		}
		b := bytes.Clone(whole)
		b[at] ^= 1 << r.IntN(8)
		writeFile(t, p, b)
		if !isDamaged(t, p) {
			t.Errorf("a changed bit at byte %d was not found", at)
		}
	}
}

func TestEveryTruncationIsFound(t *testing.T) {
	t.Parallel()
	whole := smallBundle(t)
	p := filepath.Join(t.TempDir(), "b")
	for n := 0; n < len(whole); n += 1 + len(whole)/500 {
		writeFile(t, p, whole[:n])
		if !isDamaged(t, p) {
			t.Errorf("a file cut to %d of %d bytes was not found", n, len(whole))
		}
	}
	for _, extra := range []string{"\x00", "x", strings.Repeat("\x00", 512)} {
		writeFile(t, p, append(bytes.Clone(whole), extra...))
		if !isDamaged(t, p) {
			t.Errorf("%d bytes more at the end were not found", len(extra))
		}
	}
}

func TestVerifyNamesWhatIsDamaged(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20_000)
	b := s.createBundle(t, s.spec)
	last := b.layout.entries[len(b.layout.entries)-1]
	whole := readFile(t, b.Path())
	whole[last.offset+1] ^= 1
	p := filepath.Join(t.TempDir(), "b")
	writeFile(t, p, whole)
	problems, err := mustOpen(t, p).Verify(t.Context(), nil)
	if err != nil || len(problems) != 1 {
		t.Fatalf("got %v, %v; want one problem", problems, err)
	}
	got := problems[0]
	if got.Digest != last.blob.Digest || got.Offset != last.offset || len(got.Subject) == 0 || !strings.Contains(got.Subject[0], "minio/aistor/") {
		t.Errorf("problem %+v does not name blob, offset and image", got)
	}
}

// writeTar writes a tar with the usual writer, hostile as it may be.
func writeTar(t testing.TB, entries ...*tar.Header) []byte {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, h := range entries {
		if h.ModTime.IsZero() {
			h.ModTime = time.Unix(0, 0)
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			body := bytes.Repeat([]byte("x"), int(h.Size))
			if h.Name == layoutName {
				body = []byte(ociLayout)
			}
			if _, err := tw.Write(body); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestOpenRefusesHostileTars(t *testing.T) {
	t.Parallel()
	head := func() *tar.Header { return &tar.Header{Name: layoutName, Size: int64(len(ociLayout))} }
	index := func() *tar.Header { return &tar.Header{Name: indexName, Size: 2} }
	zero := blobPrefix + strings.Repeat("0", 64)
	lying := writeTar(t, head(), index())
	copy(lying[124:], "77777777777\x00")
	whole := smallBundle(t)
	tests := map[string][]byte{
		"nothing":               {},
		"no tar":                []byte(strings.Repeat("hello ", 400)),
		"only zeros":            make([]byte, 4096),
		"absolute path":         writeTar(t, head(), index(), &tar.Header{Name: "/etc/passwd", Size: 1}),
		"path that climbs":      writeTar(t, head(), index(), &tar.Header{Name: "blobs/sha256/../../x", Size: 1}),
		"symlink":               writeTar(t, head(), index(), &tar.Header{Name: zero, Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}),
		"hard link":             writeTar(t, head(), index(), &tar.Header{Name: zero, Typeflag: tar.TypeLink, Linkname: layoutName}),
		"device":                writeTar(t, head(), index(), &tar.Header{Name: zero, Typeflag: tar.TypeChar}),
		"folder":                writeTar(t, head(), index(), &tar.Header{Name: "blobs/", Typeflag: tar.TypeDir}),
		"size that lies":        lying,
		"the same blob twice":   writeTar(t, head(), index(), &tar.Header{Name: zero, Size: 1}, &tar.Header{Name: zero, Size: 1}),
		"upper-case digest":     writeTar(t, head(), index(), &tar.Header{Name: blobPrefix + strings.Repeat("A", 64), Size: 1}),
		"index missing":         writeTar(t, head(), &tar.Header{Name: zero, Size: 1}),
		"another first entry":   writeTar(t, index(), head()),
		"nothing but the start": writeTar(t, head(), index()),
		"a mode of its own":     writeTar(t, &tar.Header{Name: layoutName, Size: int64(len(ociLayout)), Mode: 0o4755}),
		"a bundle and another":  append(bytes.Clone(whole), whole...),
		"sparse file":           writeTar(t, head(), index(), &tar.Header{Name: zero, Size: 1, Format: tar.FormatPAX, PAXRecords: map[string]string{"TEST.x": "1"}}),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := filepath.Join(t.TempDir(), "b")
			writeFile(t, p, b)
			got, err := Open(p)
			var fe *FormatError
			if !errors.As(err, &fe) {
				t.Fatalf("got %v, %v; want a FormatError", got, err)
			}
		})
	}
}

func TestOpenRefusesAPartialFile(t *testing.T) {
	t.Parallel()
	p := filepath.Join(t.TempDir(), "b")
	writeFile(t, p+partialSuffix, smallBundle(t))
	for _, name := range []string{p, p + partialSuffix} {
		_, err := Open(name)
		var pe *PartialError
		if !errors.As(err, &pe) {
			t.Errorf("Open(%q) = %v, want a PartialError", name, err)
		}
	}
}

func TestOpenRefusesANewerFormat(t *testing.T) {
	t.Parallel()
	_, err := decodeManifest([]byte(`{"kind":"Bundle","tool":"v9","minReader":99}`))
	var te *TooNewError
	if !errors.As(err, &te) || te.Need != 99 {
		t.Fatalf("got %v, want a TooNewError", err)
	}
}

// Sizes of 8 GiB and more need a header of another form.
func TestHeadersOfHugeBlobs(t *testing.T) {
	t.Parallel()
	name := blobPrefix + strings.Repeat("a", 64)
	for _, size := range []int64{0, 1, 511, 512, 1<<33 - 1, 1 << 33, 1 << 40} {
		h, err := tarHeader(name, size)
		if err != nil {
			t.Fatal(err)
		}
		st := memoryStorage(h)
		gotName, gotSize, err := readHeader(st, 0, h[:blockSize])
		if err != nil || gotName != name || gotSize != size {
			t.Errorf("size %d read back as %q, %d, %v", size, gotName, gotSize, err)
		}
		h[len(h)-40] ^= 1
		if _, _, err := readHeader(st, 0, h[:blockSize]); err == nil {
			t.Errorf("size %d: a changed header was read", size)
		}
	}
}

// memoryStorage is a storage for tests and fuzzing.
type memoryStorage []byte

func (m memoryStorage) ReadAt(b []byte, off int64) (int, error) {
	return bytes.NewReader(m).ReadAt(b, off)
}
func (m memoryStorage) WriteAt(b []byte, off int64) (int, error) {
	return copy(m[off:], b), nil
}
func (m memoryStorage) Size() int64                      { return int64(len(m)) }
func (m memoryStorage) Sync() error                      { return nil }
func (m memoryStorage) Close() error                     { return nil }
func (m memoryStorage) locate(off int64) (string, int64) { return "memory", off }

// tinyBundle has no image in it and is made without a registry, so that it is
// small and the same everywhere.
func tinyBundle(t testing.TB, charts ...ChartFile) memoryStorage {
	t.Helper()
	p, err := makePlan(t.Context(), Spec{Tool: "test", Charts: charts}, nil, CreateOptions{Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := make(memoryStorage, p.layout.size)
	if err := (&writer{plan: p, st: m}).writeKnownEntries(); err != nil {
		t.Fatal(err)
	}
	return m
}

// FuzzOpen demands that no file makes the reader panic or read beyond what it
// was given, and that whatever opens is exactly what it says.
func FuzzOpen(f *testing.F) {
	whole := tinyBundle(f)
	f.Add([]byte(whole))
	f.Add([]byte(tinyBundle(f, chartFile(f, "aistor-operator", "1.0.0"))))
	f.Add([]byte(whole[:len(whole)/2]))
	f.Add([]byte(whole[:3*blockSize]))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := openStored("fuzz", memoryStorage(b))
		if err != nil {
			return
		}
		problems, err := got.Verify(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(problems) > 0 {
			return
		}
		for _, e := range got.Images() {
			if _, err := got.ReadManifest(e.Digest); err != nil {
				t.Errorf("verified, but %v", err)
			}
		}
		if images.CheckDigest(got.Digest()) != nil {
			t.Errorf("digest %q", got.Digest())
		}
	})
}
