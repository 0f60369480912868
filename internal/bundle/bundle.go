package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Bundle is an open bundle. It is read in place and safe for concurrent use.
type Bundle struct {
	path               string
	st                 storage
	layout             *layout
	entryIndex         map[string]int // digest to entry
	manifest           Manifest
	digest             string
	manifestDescriptor images.Descriptor
	assumed            map[string]bool
}

// Open opens the bundle at path, or its parts: path itself need not exist if
// path.part001 does, and any part may be named. It checks the structure, the
// manifests and the charts; layers are checked by [Bundle.Verify], and by the
// registry they are pushed to. An unfinished bundle is a [PartialError]. The
// caller closes it.
func Open(path string) (*Bundle, error) {
	st, err := openStorage(path)
	if err != nil {
		return nil, err
	}
	b, err := openStored(path, st)
	if err != nil {
		_ = st.Close()
		return nil, err
	}
	return b, nil
}

func openStorage(path string) (storage, error) {
	if strings.HasSuffix(path, partialSuffix) {
		return nil, &PartialError{Path: path}
	}
	if base, ok := partBase(path); ok {
		return openParts(base)
	}
	st, err := openSingle(path)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, fmt.Errorf("opening bundle %q: %w", path, err)
		}
		return st, nil
	}
	switch {
	case fileExists(partName(path, 1)), fileExists(partName(path, 2)), fileExists(path + sumsFiles("")[0]):
		return openParts(path)
	case fileExists(path + partialSuffix):
		return nil, &PartialError{Path: path + partialSuffix}
	}
	return nil, fmt.Errorf("opening bundle %q: %w", path, err)
}

func fileExists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// openStored reads what a file holds and derives the rest again.
func openStored(path string, st storage) (*Bundle, error) {
	l, err := scanLayout(path, st)
	if err != nil {
		return nil, err
	}
	b := &Bundle{path: path, st: st, layout: l, entryIndex: map[string]int{}, assumed: map[string]bool{}}
	for i, e := range l.entries[min(2, len(l.entries)):] {
		b.entryIndex[e.blob.Digest] = i + 2
	}
	if err := b.loadManifest(); err != nil {
		return nil, err
	}
	return b, b.verifyLayout()
}

func (b *Bundle) formatError(off int64, format string, args ...any) error {
	return &FormatError{Path: b.path, Offset: off, Reason: fmt.Sprintf(format, args...)}
}

// loadManifest finds the bundle's manifest: it is the first blob's layer.
func (b *Bundle) loadManifest() error {
	if len(b.layout.entries) < 5 {
		return b.formatError(0, "the manifest is missing")
	}
	first := b.layout.entries[2]
	raw, err := b.readEntry(first, images.MaxManifestSize)
	if err != nil {
		return err
	}
	b.manifestDescriptor = descriptorOf(images.MediaTypeOCIManifest, raw)
	if b.manifestDescriptor.Digest != first.blob.Digest {
		return b.formatError(first.offset, "the manifest artifact does not match its digest")
	}
	layer := b.layout.entries[4]
	encoded, err := b.readEntry(layer, maxIndexSize)
	if err != nil {
		return err
	}
	parts, err := manifestArtifact(encoded)
	if err != nil {
		return err
	}
	if !bytes.Equal(parts[0].data, raw) {
		return b.formatError(first.offset, "not an AIStor bundle manifest")
	}
	if b.manifest, err = decodeManifest(encoded); err != nil {
		return err
	}
	again, err := b.manifest.encodeJSON()
	if err != nil {
		return err
	}
	if !bytes.Equal(again, encoded) {
		return b.formatError(layer.offset, "the bundle's manifest is not in its canonical form")
	}
	for _, a := range b.manifest.Assumed {
		for _, d := range a.Digests {
			b.assumed[d] = true
		}
	}
	return nil
}

// verifyLayout derives index.json and the order of entries and demands both. On
// the way every manifest and chart is hashed.
func (b *Bundle) verifyLayout() error {
	index, err := indexJSON(b.manifest, b.manifestDescriptor)
	if err != nil {
		return err
	}
	for i, want := range [][]byte{[]byte(ociLayout), index} {
		e := b.layout.entries[i]
		have, err := b.readEntry(e, maxIndexSize)
		if err != nil {
			return err
		}
		if !bytes.Equal(have, want) {
			return b.formatError(e.offset, "%s does not match the bundle's manifest", e.name)
		}
	}
	b.digest = images.DigestOf(index)
	head, rest, err := b.expectedBlobs()
	if err != nil {
		return err
	}
	want, err := newLayout(index, head, rest)
	if err != nil {
		return err
	}
	for i, e := range b.layout.entries {
		if i >= len(want.entries) || want.entries[i].name != e.name || want.entries[i].blob.Size != e.blob.Size {
			return b.formatError(e.header, "entry %q is not expected here", e.name)
		}
	}
	if len(want.entries) != len(b.layout.entries) {
		return b.formatError(b.layout.size, "entry %q is missing", want.entries[len(b.layout.entries)].name)
	}
	return b.verifyPadding()
}

func (b *Bundle) verifyPadding() error {
	for _, e := range b.layout.entries {
		end := e.offset + e.blob.Size
		if err := checkZeros(b.st, end, paddingSize(e.blob.Size)); err != nil {
			return b.formatError(end, "%v", err)
		}
	}
	return nil
}

// readEntry reads an entry of limited size.
func (b *Bundle) readEntry(e entry, limit int64) ([]byte, error) {
	if e.blob.Size > limit {
		return nil, b.formatError(e.header, "entry %q is larger than %d bytes", e.name, limit)
	}
	buf := make([]byte, e.blob.Size)
	if _, err := b.st.ReadAt(buf, e.offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, b.formatError(e.offset, "%v", err)
	}
	return buf, nil
}

// blobContent reads a small blob and checks its digest.
func (b *Bundle) blobContent(digest string, limit int64) ([]byte, error) {
	i, ok := b.entryIndex[digest]
	if !ok {
		return nil, fmt.Errorf("reading bundle %q: blob %s not found", b.path, digest)
	}
	e := b.layout.entries[i]
	buf, err := b.readEntry(e, limit)
	if err != nil {
		return nil, err
	}
	if images.DigestOf(buf) != digest {
		return nil, b.formatError(e.offset, "blob %s does not match its digest", digest)
	}
	return buf, nil
}

// Close closes the file.
func (b *Bundle) Close() error { return b.st.Close() }
