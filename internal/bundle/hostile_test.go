package bundle

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Names in a bundle's manifest become paths, requests and lines on a terminal.
func TestAManifestWithHostileNamesIsRefused(t *testing.T) {
	t.Parallel()
	digest := images.DigestOf(nil)
	chart := func(name, version, sum string) string {
		return fmt.Sprintf(`"charts":[{"name":%q,"version":%q,"sha256":%q,"manifest":{"digest":%q}}]`, name, version, sum, digest)
	}
	tests := map[string]string{
		"a chart that climbs":          chart("../../elsewhere", "1.0.0", digest),
		"a chart of another project":   chart("other/project", "1.0.0", digest),
		"a version that climbs":        chart("aistor-operator", "1/../../x", digest),
		"no name":                      chart("", "1.0.0", digest),
		"an escape in a name":          chart("a\x1b[2J", "1.0.0", digest),
		"a command for a digest":       chart("aistor-operator", "1.0.0", "sha256:x; rm -rf ~"),
		"plugins with a command":       `"plugins":{"sha256":"sha256:x | sh","manifest":{"digest":"` + digest + `"}}`,
		"an image without a reference": `"images":[{"digest":"` + digest + `"}]`,
		"an image that is no digest":   `"images":[{"ref":"quay.io/a/b:c","digest":"../x"}]`,
		"a signature of nothing":       `"referrers":[{"digest":"` + digest + `","subject":"` + digest + `"}]`,
	}
	for name, content := range tests {
		if _, err := decodeManifest([]byte(`{"kind":"Bundle",` + content + `}`)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	if _, err := decodeManifest([]byte(`{"kind":"Bundle",` + chart("aistor-operator", "5.10.0+build.1", digest) + `}`)); err != nil {
		t.Errorf("a chart like any other: %v", err)
	}
}

// A sparse file is small in a tar and large on a disk.
func TestUntarWritesNoMoreThanItIsGiven(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	records := map[string]string{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x", "GNU.sparse.realsize": "1000000000000"}
	h := &tar.Header{Name: "GNUSparseFile.0/x", Typeflag: tar.TypeReg, Size: 512, Mode: 0o644, Format: tar.FormatPAX}
	// The writer takes no such records: they are put in place of others.
	h.PAXRecords = map[string]string{}
	for k, v := range records {
		h.PAXRecords["XXX"+k[3:]] = v
	}
	if err := w.WriteHeader(h); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(append([]byte("0\n"), make([]byte, 510)...)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sparse := bytes.ReplaceAll(b.Bytes(), []byte("XXX.sparse"), []byte("GNU.sparse"))
	dir := filepath.Join(t.TempDir(), "out")
	if err := extractTar(t.Context(), dir, bytes.NewReader(sparse), int64(len(sparse))); err == nil || !strings.Contains(err.Error(), "larger than the archive") {
		t.Errorf("got %v", err)
	}
}

func TestNoLayoutIsBeyondAnyDisk(t *testing.T) {
	t.Parallel()
	var rest []blob
	for i := range 5000 {
		rest = append(rest, blob{Descriptor: images.Descriptor{Digest: images.DigestOf([]byte{byte(i), byte(i >> 8)}), Size: 1 << 50}})
	}
	if _, err := newLayout(nil, nil, rest); err == nil || !strings.Contains(err.Error(), "invalid size") {
		t.Errorf("got %v", err)
	}
}

// What is taken out is whole, and takes nobody's place.
func TestExportWritesOnlyWhatItFoundWhole(t *testing.T) {
	t.Parallel()
	s := newSite(t, 4000)
	b := s.createBundle(t, s.spec)
	out := filepath.Join(t.TempDir(), "x.tar")
	writeFile(t, out, []byte("mine"))
	mc := s.spec.Images[2].Ref
	if err := ExportImage(t.Context(), b, mc, out); !errors.Is(err, os.ErrExist) || string(readFile(t, out)) != "mine" {
		t.Errorf("over a file that is there: %v", err)
	}
	whole := readFile(t, b.Path())
	for _, e := range b.layout.entries[2:] {
		if e.blob.Size > 3000 {
			whole[e.offset+9] ^= 1
		}
	}
	torn := filepath.Join(t.TempDir(), "torn")
	writeFile(t, torn, whole)
	out += "2"
	var fe *FormatError
	if err := ExportImage(t.Context(), mustOpen(t, torn), mc, out); !errors.As(err, &fe) || fileExists(out) {
		t.Errorf("of a damaged bundle: %v", err)
	}
}

// A few megabytes that name each other many times stay a few megabytes.
func TestABundleThatNamesAManifestManyTimesIsRefused(t *testing.T) {
	t.Parallel()
	var layers []string
	for i := range 3000 {
		layers = append(layers, fmt.Sprintf(`{"digest":%q,"size":1}`, images.DigestOf([]byte(fmt.Sprint(i)))))
	}
	raw := []byte(`{"config":{"digest":"` + images.DigestOf(nil) + `","size":0},"layers":[` + strings.Join(layers, ",") + `]}`)
	m := Manifest{APIVersion: APIVersion, Kind: Kind, MinReader: 1}
	for i := range 2_000 {
		m.Images = append(m.Images, ImageEntry{
			Ref: images.Ref{Host: "quay.io", Path: "a/b", Tag: fmt.Sprint(i)}, Digest: images.DigestOf(raw),
			MediaType: images.MediaTypeOCIManifest, Size: int64(len(raw)), Bytes: int64(len(raw)) + 3000,
		})
	}
	encoded, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	self, err := manifestArtifact(encoded)
	if err != nil {
		t.Fatal(err)
	}
	index, err := indexJSON(m, self[0].Descriptor)
	if err != nil {
		t.Fatal(err)
	}
	l, err := newLayout(index, append(self, knownBlob(descriptorOf("", raw), raw)), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := filepath.Join(t.TempDir(), "b.tar")
	f, err := os.Create(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(l.size); err != nil {
		t.Fatal(err)
	}
	if err := (&writer{plan: &plan{layout: l}, st: &singleFile{f, l.size}}).writeKnownEntries(); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	_, err = Open(p)
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
}
