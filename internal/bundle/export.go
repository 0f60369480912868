package bundle

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// ExportImage writes one image as an OCI layout in a tar: what crane, oras and
// every other tool reads that takes such a file with a single image in it. The
// manifest's bytes stay as they are.
func ExportImage(ctx context.Context, b *Bundle, ref images.Ref, path string) error {
	fail := func(err error) error { return fmt.Errorf("exporting %q: %w", ref, err) }
	e, ok := b.image(ref)
	if !ok {
		return fail(errNotThere)
	}
	w := &walker{b: b}
	if err := w.walk(images.Descriptor{MediaType: e.MediaType, Digest: e.Digest, Size: e.Size}, 0); err != nil {
		return fail(err)
	}
	for _, x := range w.blobs {
		if !b.Has(x.Digest) {
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

func (b *Bundle) image(ref images.Ref) (ImageEntry, bool) {
	for _, e := range b.manifest.Images {
		if e.Ref == ref {
			return e, true
		}
	}
	return ImageEntry{}, false
}

// writeLayout writes a layout whose unknown blobs are in this bundle.
func (b *Bundle) writeLayout(ctx context.Context, l *layout, path string) error {
	f, err := os.OpenFile(path+partialSuffix, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(l.size); err != nil {
		return err
	}
	st := &single{f, l.size}
	if err := (&writer{plan: &plan{layout: l}, st: st}).layOut(); err != nil {
		return err
	}
	for _, m := range l.missing() {
		if err := ctx.Err(); err != nil {
			return err
		}
		rc, err := b.OpenBlob(m.entry.blob.Digest, 0)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(f, m.entry.offset), rc); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(path+partialSuffix, path)
}
