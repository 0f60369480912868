package bundle

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func partBundle(t testing.TB, size int, partSize int64) (*fixtureSite, string, *Summary) {
	t.Helper()
	s := newSite(t, size)
	spec := s.spec
	spec.PartSize = partSize
	p := filepath.Join(t.TempDir(), "b.tar")
	sum, err := Create(t.Context(), p, spec, newClient(t, s.Server), CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s, p, sum
}

func TestPartsReadLikeOneFile(t *testing.T) {
	t.Parallel()
	s, p, _ := partBundle(t, 50_000, 64_000)
	one := s.createBundle(t, s.spec)
	whole := readFile(t, one.Path())
	b := mustOpen(t, p)
	mustVerify(t, b)
	if b.Digest() != one.Digest() || b.Size() != int64(len(whole)) {
		t.Errorf("parts give %s of %d bytes, one file %s of %d", b.Digest(), b.Size(), one.Digest(), len(whole))
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		off := r.Int64N(b.Size())
		buf := make([]byte, r.IntN(200_000))
		n, err := b.st.ReadAt(buf, off)
		want := whole[off:min(int(off)+len(buf), len(whole))]
		if !bytes.Equal(buf[:n], want) || (n < len(buf)) != errors.Is(err, io.EOF) {
			t.Fatalf("ReadAt(%d bytes, %d) = %d, %v, or other bytes", len(buf), off, n, err)
		}
	}
	if other := mustOpen(t, partName(p, 2)); other.Digest() != one.Digest() {
		t.Error("naming the second part opened something else")
	}
}

func TestPartsAreSmallEnoughAndValid(t *testing.T) {
	t.Parallel()
	_, p, sum := partBundle(t, 50_000, 64_000)
	if len(sum.Files) < 6 {
		t.Fatalf("files: %v", sum.Files)
	}
	for i := 1; fileExists(partName(p, i)); i++ {
		b := readFile(t, partName(p, i))
		if len(b) > 64_000 {
			t.Errorf("part %d has %d bytes", i, len(b))
		}
		tr := tar.NewReader(bytes.NewReader(b))
		if _, err := tr.Next(); err != nil {
			t.Errorf("part %d is no tar: %v", i, err)
		}
		if _, err := io.Copy(io.Discard, tr); err != nil {
			t.Errorf("part %d: %v", i, err)
		}
	}
	sums := string(readFile(t, p+".SHA256SUMS"))
	first := strings.TrimPrefix(images.DigestOf(readFile(t, partName(p, 1))), "sha256:")
	if !strings.Contains(sums, first+"  b.tar.part001\n") {
		t.Errorf("SHA256SUMS:\n%s", sums)
	}
	if c := string(readFile(t, p+".CONTENTS")); !strings.Contains(c, "aistor-operator-5.10.0.tgz") || !strings.Contains(c, "minio:RELEASE.B") {
		t.Errorf("CONTENTS:\n%s", c)
	}
}

func TestDamagedPartsAreFound(t *testing.T) {
	t.Parallel()
	_, p, _ := partBundle(t, 50_000, 64_000)
	tests := map[string]struct {
		change func(t *testing.T, p string)
		text   string
	}{
		"the last is missing": {func(t *testing.T, p string) { removeFile(t, lastPart(p)) }, "is missing"},
		"one in between":      {func(t *testing.T, p string) { removeFile(t, partName(p, 2)) }, "is missing"},
		"two are exchanged":   {func(t *testing.T, p string) { swapFiles(t, partName(p, 1), partName(p, 2)) }, "renamed to part 1"},
		"one is cut": {func(t *testing.T, p string) {
			editFile(t, partName(p, 2), func(b []byte) []byte { return b[:len(b)-512] })
		}, "bytes"},
		"a byte of the frame":   {func(t *testing.T, p string) { flipByte(t, partName(p, 2), 20) }, ""},
		"a byte of the trailer": {func(t *testing.T, p string) { flipByte(t, partName(p, 1), -3) }, ""},
		"a byte of the content": {func(t *testing.T, p string) { flipByte(t, partName(p, 3), 5000) }, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := filepath.Join(t.TempDir(), "b.tar")
			for i := 1; fileExists(partName(p, i)); i++ {
				writeFile(t, partName(q, i), readFile(t, partName(p, i)))
			}
			tt.change(t, q)
			_, err := Open(q)
			if tt.text != "" && (err == nil || !strings.Contains(err.Error(), tt.text)) {
				t.Fatalf("got %v, want %q", err, tt.text)
			}
			if !isDamaged(t, q) {
				t.Error("the damage was not found")
			}
		})
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	s := newSite(t, 50_000)
	one := s.createBundle(t, s.spec)
	out := filepath.Join(t.TempDir(), "parts")
	if _, err := Split(t.Context(), one, out, 100_000, nil); err != nil {
		t.Fatal(err)
	}
	b := mustOpen(t, out)
	mustVerify(t, b)
	if b.Digest() != one.Digest() {
		t.Error("the parts are another bundle")
	}
}

func TestPartSizesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{1, minPartSize - 1} {
		if _, _, err := planParts(1<<20, limit); err == nil {
			t.Errorf("parts of %d bytes were planned", limit)
		}
	}
	if _, _, err := planParts(1<<40, minPartSize); err == nil {
		t.Error("millions of parts were planned")
	}
}

func lastPart(p string) string {
	i := 1
	for fileExists(partName(p, i+1)) {
		i++
	}
	return partName(p, i)
}

func removeFile(t *testing.T, p string) {
	t.Helper()
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
}

func editFile(t *testing.T, p string, f func([]byte) []byte) {
	t.Helper()
	writeFile(t, p, f(readFile(t, p)))
}

func flipByte(t *testing.T, p string, at int) {
	t.Helper()
	editFile(t, p, func(b []byte) []byte {
		if at < 0 {
			at += len(b)
		}
		b[at] ^= 4
		return b
	})
}

func swapFiles(t *testing.T, a, b string) {
	t.Helper()
	x, y := readFile(t, a), readFile(t, b)
	writeFile(t, a, y)
	writeFile(t, b, x)
}

func TestTheFirstPartIsMissing(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20_000)
	p := filepath.Join(t.TempDir(), "b.tar")
	if _, err := Split(t.Context(), s.createBundle(t, s.spec), p, 30_000, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(partName(p, 1)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{p, partName(p, 1), partName(p, 3)} {
		var missing *MissingPartError
		if _, err := Open(name); !errors.As(err, &missing) || missing.Part != 1 {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestASplitThatEndsEarlyLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, 20_000)
	b := s.createBundle(t, s.spec)
	p := filepath.Join(t.TempDir(), "b.tar")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Split(ctx, b, p, 30_000, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if list, _ := filepath.Glob(p + "*"); len(list) > 0 {
		t.Errorf("left behind: %v", list)
	}
	// What a create has begun under that name is not the split's to remove.
	writeFile(t, p+partialSuffix, []byte("layers"))
	writeFile(t, p+journalSuffix, make([]byte, 32))
	var te *TargetError
	if _, err := Split(t.Context(), b, p, 30_000, nil); !errors.As(err, &te) || !fileExists(p+partialSuffix) {
		t.Errorf("over what create has begun: %v", err)
	}
}
