package cli

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// printHosts lists every host that making the bundle asks: the chart repository,
// the registries, their token services, and the storage that blobs are
// redirected to, which only asking for one shows. Behind a closed firewall the
// list is as long as what was tried, and findErr or a warning says what was not
// reached.
func (o *bundleCreateOptions) printHosts(ctx context.Context, client *registry.Client, c *contents, findErr error) error {
	list := o.charts.sourceHosts()
	if c != nil {
		for _, image := range c.spec.Images {
			if err := probeImageBlob(ctx, client, image.Ref); err != nil {
				c.warn("%v", err)
			}
		}
	}
	list = append(list, client.ContactedHosts()...)
	slices.Sort(list)
	for _, h := range slices.Compact(list) {
		printLine(o.Out, "%s", h)
	}
	return findErr
}

// sourceHosts are those that charts come from.
func (o *chartOptions) sourceHosts() []string {
	var out []string
	sources := o.charts
	if len(sources) == 0 {
		sources = []string{o.repo}
	}
	for _, s := range sources {
		if u, err := url.Parse(s); err == nil && strings.Contains(s, "://") && u.Host != "" {
			out = append(out, u.Host)
		}
	}
	return out
}

// probeImageBlob goes all the way to the bytes of an image's config, and reads none.
func probeImageBlob(ctx context.Context, client *registry.Client, ref images.Ref) error {
	raw, mediaType, _, err := client.Manifest(ctx, ref)
	if err != nil {
		return err
	}
	node, err := images.ParseManifest(raw, mediaType)
	if err != nil {
		return err
	}
	if len(node.Manifests) > 0 {
		child := ref
		child.Digest = node.Manifests[0].Digest
		return probeImageBlob(ctx, client, child)
	}
	if len(node.Blobs) == 0 {
		return nil
	}
	var rc io.ReadCloser
	if rc, _, err = client.OpenBlob(ctx, ref, node.Blobs[0].Digest, 0); err != nil {
		return err
	}
	return rc.Close()
}
