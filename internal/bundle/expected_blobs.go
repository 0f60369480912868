package bundle

import (
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// maxChartSize bounds a chart, which is read into memory.
const maxChartSize = 64 << 20

// maxManifestBytes bounds the bytes of manifests that are read to open a bundle, each as
// often as it is named: a small file could name one so often that what follows
// from it fills the memory. Real ones need a hundredth.
const maxManifestBytes = 32 << 20

// expectedBlobs derives the blobs from the bundle's manifest in file order: head is
// what stands at the start, rest is sorted by digest later.
func (b *Bundle) expectedBlobs() (head, rest []blob, err error) {
	encoded, err := b.manifest.encodeJSON()
	if err != nil {
		return nil, nil, err
	}
	if head, err = manifestArtifact(encoded); err != nil {
		return nil, nil, err
	}
	for _, c := range b.manifest.Charts {
		blobs, err := b.chartBlobs(c)
		if err != nil {
			return nil, nil, err
		}
		head = append(head, blobs...)
	}
	plugins, tail, err := b.pluginBlobs()
	if err != nil {
		return nil, nil, err
	}
	head, rest = append(head, plugins...), append(rest, tail...)
	left := int64(maxManifestBytes)
	for _, e := range b.manifest.Images {
		start, later, err := b.imageBlobs(e, &left)
		if err != nil {
			return nil, nil, err
		}
		head, rest = append(head, start...), append(rest, later...)
	}
	for _, r := range b.manifest.Referrers {
		w := &blobWalker{b: b, bytesLeft: &left}
		if err := w.walkManifests(r.toDescriptor(), 0); err != nil {
			return nil, nil, fmt.Errorf("reading %q: %w", r.Ref, err)
		}
		head, rest = append(head, w.manifests...), append(rest, w.blobs...)
	}
	return head, rest, nil
}

// imageBlobs walks through an image's manifests: those and the inline blobs stand
// at the start. left is how many bytes of manifests may still be read.
func (b *Bundle) imageBlobs(e ImageEntry, left *int64) (head, rest []blob, err error) {
	w := &blobWalker{b: b, bytesLeft: left}
	if err := w.walkManifests(e.toDescriptor(), 0); err != nil {
		return nil, nil, fmt.Errorf("reading image %q: %w", e.Ref, err)
	}
	if n := w.totalBytes(); n != e.Bytes {
		return nil, nil, b.imageError(e, "its size differs", fmt.Sprintf("%d bytes", n), fmt.Sprintf("%d bytes", e.Bytes))
	}
	if err := b.checkImage(e, w.platforms); err != nil {
		return nil, nil, err
	}
	head = w.manifests
	for _, x := range w.blobs {
		switch {
		case slices.Contains(e.Inline, x.Digest):
			head = append(head, x)
		case !b.assumed[x.Digest]:
			rest = append(rest, x)
		}
	}
	return head, rest, nil
}

// chartBlobs reads a chart back, hashes all of it and demands that it be the
// chart that the manifest claims.
func (b *Bundle) chartBlobs(c ChartEntry) ([]blob, error) {
	raw, err := b.blobContent(c.Manifest.Digest, images.MaxManifestSize)
	if err != nil {
		return nil, err
	}
	node, err := images.ParseManifest(raw, c.Manifest.MediaType)
	if err != nil {
		return nil, fmt.Errorf("reading chart %q: %w", c.Name, err)
	}
	if err := b.checkChartManifest(c, node); err != nil {
		return nil, err
	}
	data, err := b.blobContent(c.SHA256, maxChartSize)
	if err != nil {
		return nil, err
	}
	if err := checkChart(b.path, c, data); err != nil {
		return nil, err
	}
	return []blob{{Descriptor: c.Manifest}, {Descriptor: node.Blobs[0]}, {Descriptor: node.Blobs[1]}}, nil
}

// blobWalker collects what belongs to an image. Each manifest is visited once,
// however many name it: a hostile bundle could nest a few so that following
// each path would never end.
type blobWalker struct {
	b         *Bundle
	manifests []blob
	blobs     []blob
	platforms []string // of an index's children
	seen      map[string]bool
	bytesLeft *int64 // what may still be read; nil is no end
}

// totalBytes is the size of everything collected, each once.
func (w *blobWalker) totalBytes() int64 {
	var n int64
	seen := map[string]bool{}
	for _, x := range slices.Concat(w.manifests, w.blobs) {
		if !seen[x.Digest] {
			n += x.Size
		}
		seen[x.Digest] = true
	}
	return n
}

// walkManifests collects the manifests, children first, and the blobs below d.
func (w *blobWalker) walkManifests(d images.Descriptor, depth int) error {
	if depth > 4 {
		return fmt.Errorf("index %s is nested too deeply", d.Digest)
	}
	if w.seen[d.Digest] {
		return nil
	}
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	w.seen[d.Digest] = true
	raw, err := w.b.blobContent(d.Digest, images.MaxManifestSize)
	if err != nil {
		return err
	}
	if int64(len(raw)) != d.Size {
		return fmt.Errorf("manifest %s has %d bytes, not %d", d.Digest, len(raw), d.Size)
	}
	if w.bytesLeft != nil {
		if *w.bytesLeft -= d.Size; *w.bytesLeft < 0 {
			return fmt.Errorf("the manifests in the bundle are too large: more than %d bytes", maxManifestBytes)
		}
	}
	node, err := images.ParseManifest(raw, d.MediaType)
	if err != nil {
		return err
	}
	for _, child := range node.Manifests {
		w.platforms = append(w.platforms, child.Platform)
		if err := w.walkManifests(child, depth+1); err != nil {
			return err
		}
	}
	for _, x := range node.Blobs {
		w.blobs = append(w.blobs, blob{Descriptor: x})
	}
	w.manifests = append(w.manifests, blob{Descriptor: d}) // read again where it is needed: many would fill the memory
	return nil
}
