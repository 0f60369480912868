package bundle

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Path is what the bundle was opened by.
func (b *Bundle) Path() string { return b.path }

// Manifest says what is in the bundle. The caller must not change its slices.
func (b *Bundle) Manifest() Manifest { return b.manifest }

// Digest identifies the bundle: it is the sha256 of index.json, "sha256:…".
func (b *Bundle) Digest() string { return b.digest }

// Tag is what the bundle's manifest is pushed under: short, and different for
// each content.
func (b *Bundle) Tag() string { return tagFor(b.digest) }

func tagFor(digest string) string { return strings.TrimPrefix(digest, "sha256:")[:16] }

// Size is the number of bytes of the entire bundle, parts without their own
// headers.
func (b *Bundle) Size() int64 { return b.layout.size }

// Images lists the images, sorted by reference.
func (b *Bundle) Images() []ImageEntry { return b.manifest.Images }

// Charts lists the charts, sorted by name and version.
func (b *Bundle) Charts() []ChartEntry { return b.manifest.Charts }

// Chart returns the .tgz of a chart, checked. An empty version takes the only
// chart of that name.
func (b *Bundle) Chart(name, version string) ([]byte, error) {
	c, err := pickChart(b.manifest.Charts, name, version)
	if err != nil {
		return nil, err
	}
	return b.blobContent(c.SHA256, maxChartSize)
}

// ReadManifest returns a manifest by digest, checked.
func (b *Bundle) ReadManifest(digest string) ([]byte, error) {
	return b.blobContent(digest, images.MaxManifestSize)
}

// HasBlob reports whether the bundle holds the blob itself. A difference bundle
// assumes some on the airgapped side.
func (b *Bundle) HasBlob(digest string) bool {
	_, ok := b.entryIndex[digest]
	return ok
}

// OpenBlob reads a blob from an offset, in place and unchecked. Any number of
// readers may be open; closing one frees nothing.
func (b *Bundle) OpenBlob(digest string, from int64) (io.ReadCloser, error) {
	i, ok := b.entryIndex[digest]
	if !ok {
		return nil, fmt.Errorf("reading bundle %q: blob %s not found", b.path, digest)
	}
	e := b.layout.entries[i]
	if from < 0 || from > e.blob.Size {
		return nil, fmt.Errorf("reading blob %s: offset %d is outside its %d bytes", digest, from, e.blob.Size)
	}
	return io.NopCloser(io.NewSectionReader(b.st, e.offset+from, e.blob.Size-from)), nil
}

// Source implements Reader.
func (b *Bundle) Source() images.Source { return bundleSource{b} }

type bundleSource struct{ b *Bundle }

// Artifacts implements images.Source.
func (s bundleSource) Artifacts() []images.Artifact {
	return listArtifacts(s.b.manifest, s.b.manifestDescriptor, s.b.Tag())
}

// listArtifacts lists what a bundle's manifest names, and the manifest itself.
func listArtifacts(m Manifest, self images.Descriptor, tag string) []images.Artifact {
	var out []images.Artifact
	for _, e := range m.Images {
		out = append(out, images.Artifact{
			Kind: images.ArtifactImage, Ref: e.Ref,
			Desc: e.toDescriptor(),
		})
	}
	for _, r := range m.Referrers {
		out = append(out, images.Artifact{Kind: images.ArtifactReferrer, Ref: r.Ref, Subject: r.Subject, Desc: r.toDescriptor()})
	}
	for _, c := range m.Charts {
		out = append(out, images.Artifact{Kind: images.ArtifactChart, Name: c.Name, Version: c.Version, Desc: c.Manifest})
	}
	return append(out, images.Artifact{Kind: images.ArtifactBundle, Name: ManifestName, Version: tag, Desc: self})
}

// ReadManifest implements images.Source.
func (s bundleSource) ReadManifest(_ context.Context, _ images.Artifact, d images.Descriptor) ([]byte, error) {
	return s.b.ReadManifest(d.Digest)
}

// OpenBlob implements images.Source.
func (s bundleSource) OpenBlob(_ context.Context, _ images.Artifact, digest string, from int64) (io.ReadCloser, error) {
	return s.b.OpenBlob(digest, from)
}

// HoldsBlob implements images.Source.
func (s bundleSource) HoldsBlob(digest string) bool {
	return s.b.HasBlob(digest) || !s.b.assumed[digest]
}

// blobUsers names the images and charts that need a blob, sorted.
func (b *Bundle) blobUsers(digest string) []string {
	var out []string
	for _, a := range listArtifacts(b.manifest, b.manifestDescriptor, b.Tag()) {
		w := &blobWalker{b: b}
		if a.Ref.IsZero() || w.walkManifests(a.Desc, 0) != nil {
			continue
		}
		if slices.ContainsFunc(append(w.blobs, w.manifests...), func(x blob) bool { return x.Digest == digest }) {
			out = append(out, a.Ref.String())
		}
	}
	for _, c := range b.manifest.Charts {
		if c.SHA256 == digest || c.Manifest.Digest == digest {
			out = append(out, "chart "+c.Name+"-"+c.Version)
		}
	}
	if p := b.manifest.Plugins; p != nil && p.SHA256 == digest {
		out = append(out, "plugins")
	}
	return out
}
