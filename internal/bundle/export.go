package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// ExportImage writes one image as an OCI layout in a tar: what crane, oras and
// every other tool reads that takes such a file with a single image in it. The
// manifest's bytes stay as they are. What is written was found to be what its
// digest names; a file that is there is an error of kind [os.ErrExist].
func ExportImage(ctx context.Context, b *Bundle, ref images.Ref, path string) error {
	fail := func(err error) error { return fmt.Errorf("exporting %q: %w", ref, err) }
	if fileExists(path) {
		return fail(fmt.Errorf("%s: %w", path, os.ErrExist))
	}
	e, ok := b.findImage(ref)
	if !ok {
		return fail(errNotFound)
	}
	w := &blobWalker{b: b}
	if err := w.walkManifests(images.Descriptor{MediaType: e.MediaType, Digest: e.Digest, Size: e.Size}, 0); err != nil {
		return fail(err)
	}
	for _, x := range w.blobs {
		if !b.HasBlob(x.Digest) {
			return fail(fmt.Errorf("blob %s is left out of this difference bundle", x.Digest))
		}
	}
	d := ociDescriptor{MediaType: e.MediaType, Digest: e.Digest, Size: e.Size, Annotations: map[string]string{refNameKey: ref.String()}}
	index, err := json.Marshal(ociIndex{SchemaVersion: 2, MediaType: images.MediaTypeOCIIndex, Manifests: []ociDescriptor{d}})
	if err != nil {
		return fail(err)
	}
	l, err := newLayout(index, w.manifests, w.blobs)
	if err != nil {
		return fail(err)
	}
	if err := b.writeLayout(ctx, l, path); err != nil {
		return fail(err)
	}
	return nil
}

func (b *Bundle) findImage(ref images.Ref) (ImageEntry, bool) {
	for _, e := range b.manifest.Images {
		if e.Ref == ref {
			return e, true
		}
	}
	return ImageEntry{}, false
}

// copyBlob writes a blob of this bundle to its place in f.
func (b *Bundle) copyBlob(f *os.File, e entry) error {
	rc, err := b.OpenBlob(e.blob.Digest, 0)
	if err != nil {
		return err
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(io.NewOffsetWriter(f, e.offset), sum), rc); err != nil {
		return err
	}
	if have := digestOf(sum); have != e.blob.Digest {
		return b.formatError(b.layout.entries[b.entryIndex[e.blob.Digest]].offset, "blob %s does not match its digest", e.blob.Digest)
	}
	return nil
}

// writeLayout writes a layout whose unknown blobs are in this bundle.
func (b *Bundle) writeLayout(ctx context.Context, l *layout, path string) error {
	f, err := safefile.Create(path, 0o644)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := f.Truncate(l.size); err != nil {
		return err
	}
	st := &singleFile{f.File, l.size}
	if err := (&writer{plan: &plan{layout: l}, st: st}).writeKnownEntries(); err != nil {
		return err
	}
	for _, m := range l.missingEntries() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.copyBlob(f.File, m.entry); err != nil {
			return err
		}
	}
	return f.Commit()
}
