package bundle

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// DirectSource is a bundle that was never written: what [Create] would put into a file
// goes from registry to registry instead, where one machine sees both. It is
// safe for concurrent use.
type DirectSource struct {
	plan  *plan
	src   Fetcher
	self  images.Descriptor
	blobs map[string]blob
}

// NewDirectSource reads all manifests, as Create does. Workers is how many images are
// resolved at once; 0 is 8.
func NewDirectSource(ctx context.Context, spec Spec, src Fetcher, workers int) (*DirectSource, error) {
	if workers <= 0 {
		workers = 8
	}
	p, err := makePlan(ctx, spec, src, CreateOptions{Concurrency: workers})
	if err != nil {
		return nil, err
	}
	own, err := manifestArtifact(p.encoded)
	if err != nil {
		return nil, err
	}
	l := &DirectSource{plan: p, src: src, self: own[0].Descriptor, blobs: map[string]blob{}}
	for _, e := range p.layout.entries[2:] {
		l.blobs[e.blob.Digest] = e.blob
	}
	return l, nil
}

// Digest is what the file's digest would be.
func (l *DirectSource) Digest() string { return l.plan.digest }

// Manifest says what it holds.
func (l *DirectSource) Manifest() Manifest { return l.plan.manifest }

// Warnings are for the person who asked.
func (l *DirectSource) Warnings() []string { return l.plan.listWarnings() }

// Artifacts implements images.Source.
func (l *DirectSource) Artifacts() []images.Artifact {
	return listArtifacts(l.plan.manifest, l.self, tagFor(l.plan.digest))
}

// ReadManifest implements images.Source.
func (l *DirectSource) ReadManifest(_ context.Context, a images.Artifact, d images.Descriptor) ([]byte, error) {
	if b, ok := l.blobs[d.Digest]; ok && b.data != nil {
		return b.data, nil
	}
	return nil, fmt.Errorf("reading manifest %s of %q: %w", d.Digest, a, errNotFound)
}

// OpenBlob implements images.Source.
func (l *DirectSource) OpenBlob(ctx context.Context, a images.Artifact, digest string, from int64) (io.ReadCloser, error) {
	b, ok := l.blobs[digest]
	switch {
	case !ok || from < 0 || from > b.Size:
		return nil, fmt.Errorf("reading blob %s of %q: %w", digest, a, errNotFound)
	case b.data != nil:
		return io.NopCloser(bytes.NewReader(b.data[from:])), nil
	}
	return images.OpenResuming(ctx, l.src, b.repo, digest, from)
}

// SourceRepository implements images.Placed: where the images come from, mirrors included.
// Charts and the bundle's manifest are nowhere yet.
func (l *DirectSource) SourceRepository(a images.Artifact) images.Ref {
	if src, ok := l.src.(interface{ Place(images.Ref) images.Ref }); ok && !a.Ref.IsZero() {
		return src.Place(a.Ref)
	}
	return images.Ref{}
}

// HoldsBlob implements images.Source.
func (l *DirectSource) HoldsBlob(digest string) bool {
	_, ok := l.blobs[digest]
	return ok
}

// BlobsOf lists the blobs of an image: what [Spec.AssumedBlobs] wants for one that the
// remote side has.
func BlobsOf(ctx context.Context, src Fetcher, ref images.Ref, platforms []string) ([]string, error) {
	t, err := images.Resolve(ctx, src, ref, platforms)
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(t.Blobs))
	for _, d := range t.Blobs {
		out = append(out, d.Digest)
	}
	return out, nil
}
