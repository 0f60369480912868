package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// AssumeSiteBlobs leaves out the blobs that the airgapped side has already: those of the
// images that its site file names in a repository that something is carried to.
// What is wrong in that is found out by push before it writes anything.
func (c *Contents) AssumeSiteBlobs(ctx context.Context, src images.Fetcher) error {
	if c.site == nil {
		return term.WithHint(errors.New("--difference requires --for"),
			"create one with: kubectl aistor-upgrade export > site.yaml")
	}
	have, skipped := c.siteImages()
	for _, r := range skipped {
		c.Warn("%s is not assumed to be on the site: no image of this bundle goes to its repository", r)
	}
	c.Spec.AssumedBlobs = map[string][]string{}
	for _, ref := range have {
		blobs, err := bundle.BlobsOf(ctx, src, ref, c.Spec.Platforms)
		if err != nil {
			c.Warn("%s is not assumed to be on the site: %v", ref, err)
			continue
		}
		repo := ref.Name()
		c.Spec.AssumedBlobs[repo] = append(c.Spec.AssumedBlobs[repo], blobs...)
	}
	c.Spec.Notes = append(c.Spec.Notes, fmt.Sprintf(
		"difference bundle: omits what %s on the site; only helm aistor push can load it", plural.CountHas(len(have), "image")))
	return nil
}

// siteImages gives the images of the site under their public names. The site
// names them as its nodes pull them.
func (c *Contents) siteImages() (have, skipped []images.Ref) {
	for _, there := range c.site.Images {
		i := slices.IndexFunc(c.Spec.Images, func(x images.Image) bool {
			return x.Ref.Name() == there.Name() || c.site.Registry.Map(x.Ref).Name() == there.Name()
		})
		if i < 0 {
			skipped = append(skipped, there)
			continue
		}
		ref := images.Ref{Host: c.Spec.Images[i].Ref.Host, Path: c.Spec.Images[i].Ref.Path, Tag: there.Tag, Digest: there.Digest}
		have = append(have, ref)
	}
	return have, skipped
}
