package bundle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// referrerBlobs are the blobs of what belongs to images: manifests that are known,
// and the rest to be fetched.
type referrerBlobs struct{ head, remaining []blob }

// addReferrers finds what belongs to the images and enters it into the
// manifest. lost says, for people, which images have signatures upstream that
// cannot be carried.
func addReferrers(ctx context.Context, m *Manifest, spec Spec, trees []*images.Tree, src Fetcher, workers int) (own referrerBlobs, lost []string, err error) {
	if !spec.Referrers {
		return own, nil, nil
	}
	found := make([][]images.Referrer, len(trees))
	without := make([]bool, len(trees))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	for i, t := range trees {
		g.Go(func() (err error) {
			found[i], without[i], err = images.FindReferrers(ctx, src, t)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return own, nil, err
	}
	for i, t := range trees {
		if without[i] {
			lost = append(lost, fmt.Sprintf("%s: its signatures are of the index %s, of which only %s is included; use --platform all to include both",
				t.Ref, t.SourceDigest, strings.Join(t.Platforms, ",")))
		}
	}
	// Two references may lead to the same image, and so to the same signature.
	all := slices.Concat(found...)
	slices.SortStableFunc(all, func(a, b images.Referrer) int { return a.Ref.Compare(b.Ref) })
	all = slices.CompactFunc(all, func(a, b images.Referrer) bool { return a.Ref == b.Ref })
	for _, r := range all {
		own.addReferrer(m, r)
	}
	if len(all) > 0 {
		m.MinReader = referrersVersion
	}
	return own, lost, nil
}

// addReferrer enters one referrer.
func (o *referrerBlobs) addReferrer(m *Manifest, r images.Referrer) {
	m.Referrers = append(m.Referrers, Referrer{
		Ref: r.Ref, Subject: r.Subject, ArtifactType: r.ArtifactType,
		Digest: r.Top.Digest, MediaType: r.Top.MediaType, Size: r.Top.Size,
	})
	for _, d := range r.Order {
		o.head = append(o.head, knownBlob(d, r.Manifests[d.Digest]))
	}
	for _, d := range r.Blobs {
		o.remaining = append(o.remaining, blob{Descriptor: d, repo: images.Ref{Host: r.Ref.Host, Path: r.Ref.Path}})
	}
}
