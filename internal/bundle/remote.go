package bundle

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Reader is what the verbs on the airgapped side need of a bundle, be it a file, a
// directory, or pushed to a registry.
type Reader interface {
	Path() string
	Manifest() Manifest
	Digest() string
	Images() []ImageEntry
	Charts() []ChartEntry
	Chart(name, version string) ([]byte, error)
	// Source is everything it carries, for [images.Push].
	Source() images.Source
	Close() error
}

var (
	_ Reader = (*Bundle)(nil)
	_ Reader = (*Remote)(nil)
	_ Reader = (*Folder)(nil)
)

// Remote is a bundle that was pushed: its manifest is here, its charts are
// fetched when asked for. It is safe for concurrent use.
type Remote struct {
	ctx      context.Context //nolint:containedctx // a Reader's methods take none
	ref      images.Ref
	src      Fetcher
	self     images.Descriptor
	manifest Manifest
	digest   string
	mirror   images.Mirror
}

// OpenRemote opens the bundle whose manifest was pushed as ref, without the
// "oci://". From the manifest follow index.json and so the bundle's digest:
// where ref's tag is that of another digest the manifest was tampered with,
// which is a [FormatError]. ctx is kept for the fetching of charts.
func OpenRemote(ctx context.Context, src Fetcher, ref images.Ref) (*Remote, error) {
	raw, mediaType, desc, err := src.Manifest(ctx, ref)
	if err != nil {
		return nil, err
	}
	bad := func(reason string) error { return &FormatError{Path: "oci://" + ref.String(), Reason: reason} }
	node, err := images.ParseManifest(raw, mediaType)
	if err != nil || len(node.Blobs) != 2 || node.Blobs[1].MediaType != MediaTypeManifest {
		return nil, bad("not an AIStor bundle manifest")
	}
	encoded, err := fetchSmall(ctx, src, ref, node.Blobs[1], maxIndexSize)
	if err != nil {
		return nil, err
	}
	own, err := manifestArtifact(encoded)
	if err != nil {
		return nil, err
	}
	if own[0].Digest != desc.Digest {
		return nil, bad("not an AIStor bundle manifest")
	}
	r := &Remote{ctx: ctx, ref: ref, src: src, self: own[0].Descriptor, mirror: defaultMirror(ref)}
	if r.manifest, err = decodeManifest(encoded); err != nil {
		return nil, err
	}
	index, err := indexJSON(r.manifest, own[0].Descriptor)
	if err != nil {
		return nil, err
	}
	r.digest = images.DigestOf(index)
	if ref.Digest == "" && len(ref.Tag) == len(tagFor(r.digest)) && ref.Tag != tagFor(r.digest) {
		return nil, bad("the tag points to another bundle")
	}
	return r, nil
}

// Path implements Reader.
func (r *Remote) Path() string { return "oci://" + r.ref.String() }

// Manifest implements Reader.
func (r *Remote) Manifest() Manifest { return r.manifest }

// Digest implements Reader. It is the digest that the file has.
func (r *Remote) Digest() string { return r.digest }

// Images implements Reader.
func (r *Remote) Images() []ImageEntry { return r.manifest.Images }

// Charts implements Reader.
func (r *Remote) Charts() []ChartEntry { return r.manifest.Charts }

// Close implements Reader.
func (r *Remote) Close() error { return nil }

// Chart implements Reader: it fetches the chart from beside the manifest, by
// digest, and demands that it be the one that the manifest claims.
func (r *Remote) Chart(name, version string) ([]byte, error) {
	c, err := pickChart(r.manifest.Charts, name, version)
	if err != nil {
		return nil, err
	}
	data, err := fetchSmall(r.ctx, r.src, r.chartRepository(name), images.Descriptor{Digest: c.SHA256, Size: c.Size}, maxChartSize)
	if err != nil {
		return nil, err
	}
	if err := checkChart(r.Path(), c, data); err != nil {
		return nil, err
	}
	return data, nil
}

// pickChart finds a chart; an empty version takes the only one of that name.
func pickChart(charts []ChartEntry, name, version string) (ChartEntry, error) {
	var found []ChartEntry
	for _, c := range charts {
		if c.Name == name && (version == "" || c.Version == version) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return ChartEntry{}, fmt.Errorf("reading chart %q from bundle: no such chart or version", strings.TrimSuffix(name+"-"+version, "-"))
	default:
		return ChartEntry{}, fmt.Errorf("reading chart %q from bundle: it has %d versions; specify one", name, len(found))
	}
}

func fetchSmall(ctx context.Context, src Fetcher, repo images.Ref, d images.Descriptor, limit int64) ([]byte, error) {
	if d.Size > limit {
		return nil, fmt.Errorf("fetching %s of %q: %d bytes are too many", d.Digest, repo.Name(), d.Size)
	}
	rc, _, err := src.OpenBlob(ctx, repo, d.Digest, 0)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	b, err := io.ReadAll(io.LimitReader(rc, d.Size+1))
	if err != nil {
		return nil, fmt.Errorf("fetching %s of %q: %w", d.Digest, repo.Name(), err)
	}
	if images.DigestOf(b) != d.Digest {
		return nil, fmt.Errorf("fetching %s of %q: digest mismatch", d.Digest, repo.Name())
	}
	return b, nil
}
