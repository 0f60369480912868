package images

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// remoteSource is a registry as a source, for copying without a file.
type remoteSource struct {
	f     Fetcher
	trees map[Ref]*Tree
}

// NewRemoteSource resolves the images, keeping the wanted platforms as
// [Resolve] does, and offers them for [Push]. Duplicates are copied once.
func NewRemoteSource(ctx context.Context, f Fetcher, list []Image, platforms []string, workers int) (Source, error) {
	refs := make([]Ref, 0, len(list))
	for _, im := range list {
		refs = append(refs, im.Ref)
	}
	slices.SortFunc(refs, Ref.Compare)
	refs = slices.Compact(refs)
	trees := make([]*Tree, len(refs))
	err := each(ctx, cmp.Or(workers, 8), len(refs), func(ctx context.Context, i int) error {
		t, err := Resolve(ctx, f, refs[i], platforms)
		trees[i] = t
		return err
	})
	if err != nil {
		return nil, err
	}
	s := &remoteSource{f: f, trees: map[Ref]*Tree{}}
	for i, r := range refs {
		s.trees[r] = trees[i]
	}
	return s, nil
}

// Artifacts implements Source.
func (s *remoteSource) Artifacts() []Artifact {
	var out []Artifact
	for r, t := range s.trees {
		out = append(out, Artifact{Kind: ArtifactImage, Ref: r, Desc: t.Top})
	}
	slices.SortFunc(out, func(a, b Artifact) int { return a.Ref.Compare(b.Ref) })
	return out
}

// ReadManifest implements Source.
func (s *remoteSource) ReadManifest(_ context.Context, a Artifact, d Descriptor) ([]byte, error) {
	if raw, ok := s.trees[a.Ref].Manifests[d.Digest]; ok {
		return raw, nil
	}
	return nil, fmt.Errorf("reading manifest %s of %q: it was not resolved", d.Digest, a.Ref)
}

// OpenBlob implements Source.
func (s *remoteSource) OpenBlob(ctx context.Context, a Artifact, digest string, from int64) (io.ReadCloser, error) {
	return OpenResuming(ctx, s.f, a.Ref, digest, from)
}

// OpenResuming streams a blob of a registry for sending it on. What breaks on
// the way is continued: the other side must not begin again because this side
// stumbled. The caller closes it.
func OpenResuming(ctx context.Context, f Fetcher, repo Ref, digest string, from int64) (io.ReadCloser, error) {
	rc, left, err := f.OpenBlob(ctx, repo, digest, from)
	if err != nil {
		return nil, err
	}
	again := func(at int64) (io.ReadCloser, error) {
		rc, _, err := f.OpenBlob(ctx, repo, digest, at)
		return rc, err
	}
	return &resuming{ReadCloser: rc, again: again, at: from, left: left, ctx: ctx}, nil
}

// resuming is a stream that opens itself again where it broke off, as long as
// each opening brings something.
type resuming struct {
	io.ReadCloser
	again  func(at int64) (io.ReadCloser, error)
	ctx    context.Context //nolint:containedctx // lives as long as the read it belongs to
	at     int64
	left   int64 // -1 where not known
	barren bool
}

// Read implements io.Reader.
func (r *resuming) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	r.at += int64(n)
	if r.left >= 0 {
		r.left -= int64(n)
	}
	if n > 0 {
		r.barren = false
	}
	broken := err != nil && (!errors.Is(err, io.EOF) || r.left > 0)
	if !broken || r.barren || r.ctx.Err() != nil {
		return n, err
	}
	r.barren = true
	rc, openErr := r.again(r.at)
	if openErr != nil {
		return n, openErr
	}
	_ = r.ReadCloser.Close()
	r.ReadCloser = rc
	return n, nil
}

// Carries implements Source.
func (s *remoteSource) Carries(string) bool { return true }
