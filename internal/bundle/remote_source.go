package bundle

import (
	"context"
	"io"
	"path"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// defaultMirror is the layout of a registry in which a bundle was pushed with
// nothing but a prefix: the bundle is at PREFIX/charts/aistor-bundle.
func defaultMirror(ref images.Ref) images.Mirror {
	prefix := path.Dir(path.Dir(ref.Path))
	if prefix == "." || prefix == "/" {
		prefix = ""
	}
	return images.Mirror{Registry: ref.Host, Prefix: prefix}
}

// WithMirror gives the same bundle with its images where m puts them, in the
// registry that the bundle itself is in. The default is the layout that its own
// place suggests: no rules, and what stands before "charts" as the prefix.
func (r *Remote) WithMirror(m images.Mirror) *Remote {
	c := *r
	c.mirror = m
	return &c
}

// ChartsPath is the path in the registry that the bundle and its charts are
// below.
func (r *Remote) ChartsPath() string { return path.Dir(r.ref.Path) }

// chartRepository is the repository of a chart, or of the bundle's own manifest.
func (r *Remote) chartRepository(name string) images.Ref {
	return images.Ref{Host: r.ref.Host, Path: path.Join(r.ChartsPath(), name)}
}

// Source implements Reader: images, charts and the bundle's manifest, read from
// where they were pushed.
func (r *Remote) Source() images.Source { return remoteSource{r} }

type remoteSource struct{ r *Remote }

// Artifacts implements images.Source.
func (s remoteSource) Artifacts() []images.Artifact {
	return listArtifacts(s.r.manifest, s.r.self, tagFor(s.r.digest))
}

// ReadManifest implements images.Source.
func (s remoteSource) ReadManifest(ctx context.Context, a images.Artifact, d images.Descriptor) ([]byte, error) {
	at := s.SourceRepository(a)
	at.Digest = d.Digest
	raw, _, _, err := s.r.src.Manifest(ctx, at)
	return raw, err
}

// OpenBlob implements images.Source.
func (s remoteSource) OpenBlob(ctx context.Context, a images.Artifact, digest string, from int64) (io.ReadCloser, error) {
	return images.OpenResuming(ctx, s.r.src, s.SourceRepository(a), digest, from)
}

// HoldsBlob implements images.Source. What a difference bundle left out was
// proved to be there when it was pushed.
func (s remoteSource) HoldsBlob(string) bool { return true }

// SourceRepository implements images.Placed: the repository that holds an artifact.
func (s remoteSource) SourceRepository(a images.Artifact) images.Ref {
	if a.Ref.IsZero() {
		return s.r.chartRepository(a.Name)
	}
	at := s.r.mirror.MapPush(a.Ref)
	return images.Ref{Host: s.r.ref.Host, Path: at.Path}
}
