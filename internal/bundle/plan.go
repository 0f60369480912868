package bundle

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// plan is a bundle before its layers.
type plan struct {
	manifest Manifest
	layout   *layout
	digest   string
	encoded  []byte
	// lost says which signatures are not carried, for people.
	lost []string
}

func makePlan(ctx context.Context, spec Spec, src Fetcher, opts CreateOptions) (*plan, error) {
	trees, err := resolveAll(ctx, spec, src, opts.Concurrency)
	if err != nil {
		return nil, err
	}
	m := Manifest{
		APIVersion: APIVersion, Kind: Kind, Tool: spec.Tool, MinReader: firstVersion,
		Platforms: sortedUnique(spec.Platforms), IntermediateVersions: spec.IntermediateVersions, Notes: spec.Notes,
	}
	charts, err := addCharts(&m, spec.Charts)
	if err != nil {
		return nil, err
	}
	plugins, tail, err := addPlugins(ctx, &m, spec.Plugins)
	if err != nil {
		return nil, err
	}
	head, rest := addImages(&m, spec, trees)
	own, lost, err := addReferrers(ctx, &m, spec, trees, src, opts.Concurrency)
	if err != nil {
		return nil, err
	}
	head, rest = append(head, own.head...), append(rest, own.remaining...)
	encoded, err := m.encodeJSON()
	if err != nil {
		return nil, err
	}
	self, err := manifestArtifact(encoded)
	if err != nil {
		return nil, err
	}
	index, err := indexJSON(m, self[0].Descriptor)
	if err != nil {
		return nil, err
	}
	l, err := newLayout(index, slices.Concat(self, charts, plugins, head), append(rest, tail...))
	if err != nil {
		return nil, err
	}
	return &plan{manifest: m, layout: l, digest: images.DigestOf(index), encoded: encoded, lost: lost}, nil
}

func sortedUnique(s []string) []string {
	s = slices.Sorted(slices.Values(s))
	return slices.Compact(s)
}

// resolveAll reads the manifests of all images, sorted by reference.
func resolveAll(ctx context.Context, spec Spec, src Fetcher, workers int) ([]*images.Tree, error) {
	refs := make([]images.Ref, 0, len(spec.Images))
	for _, im := range spec.Images {
		if im.Ref.IsZero() {
			return nil, fmt.Errorf("creating bundle: an image without a reference is listed")
		}
		refs = append(refs, im.Ref)
	}
	slices.SortFunc(refs, images.Ref.Compare)
	refs = slices.Compact(refs)
	trees := make([]*images.Tree, len(refs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i, r := range refs {
		g.Go(func() error {
			t, err := images.Resolve(ctx, src, r, spec.Platforms)
			trees[i] = t
			return err
		})
	}
	return trees, g.Wait()
}

func addCharts(m *Manifest, files []ChartFile) ([]blob, error) {
	files = slices.SortedStableFunc(slices.Values(files), func(a, b ChartFile) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	var out []blob
	for i, f := range files {
		if i > 0 && files[i-1].Name == f.Name && files[i-1].Version == f.Version {
			return nil, fmt.Errorf("creating bundle: chart %s-%s is listed twice", f.Name, f.Version)
		}
		if len(f.Data) > maxChartSize {
			return nil, fmt.Errorf("creating bundle: chart %s-%s is larger than %d bytes", f.Name, f.Version, maxChartSize)
		}
		blobs, err := chartBlobs(f)
		if err != nil {
			return nil, err
		}
		m.Charts = append(m.Charts, ChartEntry{
			Name: f.Name, Version: f.Version, AppVersion: f.AppVersion, File: f.File, Role: f.Role,
			Intermediate: f.Intermediate, SHA256: blobs[2].Digest, Size: blobs[2].Size, Manifest: blobs[0].Descriptor,
		})
		out = append(out, blobs...)
	}
	return out, nil
}

// addImages enters the images into the manifest and lists their blobs: first
// what is known already, then what is to be fetched.
func addImages(m *Manifest, spec Spec, trees []*images.Tree) (head, rest []blob) {
	skip := recordAssumed(m, spec, trees)
	for _, t := range trees {
		e := ImageEntry{
			Ref: t.Ref, Digest: t.Top.Digest, MediaType: t.Top.MediaType, Size: t.Top.Size,
			Platforms: t.Platforms, Missing: t.Missing, Reasons: reasonsFor(spec, t.Ref),
		}
		if t.SourceDigest != t.Top.Digest {
			e.SourceDigest = t.SourceDigest
		}
		for _, d := range slices.Concat(t.Order, t.Blobs) {
			e.Bytes += d.Size
		}
		for _, d := range t.Order {
			head = append(head, knownBlob(d, t.Manifests[d.Digest]))
		}
		for _, d := range t.Blobs {
			switch body, ok := t.Inline[d.Digest]; {
			case ok:
				e.Inline = append(e.Inline, d.Digest)
				head = append(head, knownBlob(d, body))
			case !skip[d.Digest]:
				rest = append(rest, blob{Descriptor: d, repo: images.Ref{Host: t.Ref.Host, Path: t.Ref.Path}})
			}
		}
		m.Images = append(m.Images, e)
	}
	return head, rest
}

func reasonsFor(spec Spec, r images.Ref) []images.Reason {
	var out []images.Reason
	for _, im := range spec.Images {
		if im.Ref != r {
			continue
		}
		for _, reason := range im.Reasons {
			if !slices.Contains(out, reason) {
				out = append(out, reason)
			}
		}
	}
	return out
}

// recordAssumed records what is left out. Only blobs that the images really
// need are recorded, so that the same images give the same bundle.
func recordAssumed(m *Manifest, spec Spec, trees []*images.Tree) map[string]bool {
	skip, byRepo := map[string]bool{}, map[string][]string{}
	for _, t := range trees {
		have := spec.AssumedBlobs[t.Ref.Name()]
		for _, d := range t.Blobs {
			if _, inline := t.Inline[d.Digest]; inline || !slices.Contains(have, d.Digest) {
				continue
			}
			skip[d.Digest] = true
			byRepo[t.Ref.Name()] = append(byRepo[t.Ref.Name()], d.Digest)
		}
	}
	for repo, digests := range byRepo {
		m.Assumed = append(m.Assumed, Assumed{Repository: repo, Digests: sortedUnique(digests)})
	}
	slices.SortFunc(m.Assumed, func(a, b Assumed) int { return cmp.Compare(a.Repository, b.Repository) })
	return skip
}
