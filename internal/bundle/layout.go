package bundle

import (
	"archive/tar"
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const (
	blockSize  = 512
	layoutName = "oci-layout"
	indexName  = "index.json"
	blobPrefix = "blobs/sha256/"
	// trailerSize is what ends a tar: two empty blocks.
	trailerSize = 2 * blockSize
	// maxLayout is far beyond any disk, and leaves room to add to it.
	maxLayout = 1 << 60
)

// blob is content by digest. data is nil for what is yet to be fetched.
type blob struct {
	images.Descriptor
	data []byte
	// repo is where it can be fetched.
	repo images.Ref
}

func knownBlob(d images.Descriptor, b []byte) blob {
	if b == nil {
		b = []byte{}
	}
	return blob{Descriptor: d, data: b}
}

// entry is one file in the tar.
type entry struct {
	name string
	blob blob
	// header is where the header starts, offset where the content does.
	header, offset int64
}

// layout is the entire file, known before the first layer arrives.
type layout struct {
	entries []entry
	size    int64
}

// newLayout places the given blobs: oci-layout and index.json, then head as it
// is, then rest by digest. Blobs that were placed already are skipped.
func newLayout(index []byte, head, rest []blob) (*layout, error) {
	l := &layout{}
	if err := l.addEntry(layoutName, knownBlob(descriptorOf("", []byte(ociLayout)), []byte(ociLayout))); err != nil {
		return nil, err
	}
	if err := l.addEntry(indexName, knownBlob(descriptorOf("", index), index)); err != nil {
		return nil, err
	}
	sorted := slices.SortedStableFunc(slices.Values(rest), func(a, b blob) int { return cmp.Compare(a.Digest, b.Digest) })
	seen := map[string]int64{}
	for _, b := range append(slices.Clone(head), sorted...) {
		if size, ok := seen[b.Digest]; ok {
			if size != b.Size {
				return nil, fmt.Errorf("laying out bundle: blob %s has two sizes, %d and %d", b.Digest, size, b.Size)
			}
			continue
		}
		seen[b.Digest] = b.Size
		if err := l.addEntry(blobPrefix+strings.TrimPrefix(b.Digest, "sha256:"), b); err != nil {
			return nil, err
		}
	}
	l.size += trailerSize
	return l, nil
}

func (l *layout) addEntry(name string, b blob) error {
	h, err := tarHeader(name, b.Size)
	if err != nil {
		return err
	}
	if b.Size < 0 || b.Size > maxLayout-l.size {
		return fmt.Errorf("laying out %q: invalid size %d", name, b.Size)
	}
	e := entry{name: name, blob: b, header: l.size, offset: l.size + int64(len(h))}
	l.entries = append(l.entries, e)
	l.size = e.offset + b.Size + paddingSize(b.Size)
	return nil
}

// tarHeader is the one way a file's header is written.
func tarHeader(name string, size int64) ([]byte, error) {
	var buf bytes.Buffer
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0)}
	if err := tar.NewWriter(&buf).WriteHeader(h); err != nil {
		return nil, fmt.Errorf("writing tar header of %q: %w", name, err)
	}
	return buf.Bytes(), nil
}

func paddingSize(size int64) int64 { return (blockSize - size%blockSize) % blockSize }

// missingEntries lists what is yet to be fetched.
func (l *layout) missingEntries() []pendingEntry {
	var out []pendingEntry
	for i, e := range l.entries {
		if e.blob.data == nil {
			out = append(out, pendingEntry{i, e})
		}
	}
	return out
}
