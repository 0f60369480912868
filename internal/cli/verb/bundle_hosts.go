package verb

import (
	"context"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
)

// printHosts lists every host that making the bundle asks: the chart repository,
// the registries, their token services, and the storage that blobs are
// redirected to, which only asking for one shows. Behind a closed firewall the
// list is as long as what was tried, and findErr or a warning says what was not
// reached.
func (o *bundleCreateOptions) printHosts(ctx context.Context, client *registry.Client, c *workflow.Contents, findErr error) error {
	list := o.Charts.SourceHosts()
	if c != nil {
		for _, image := range c.Spec.Images {
			if err := option.ProbeImageBlob(ctx, client, image.Ref); err != nil {
				c.Warn("%v", err)
			}
		}
	}
	list = append(list, client.ContactedHosts()...)
	slices.Sort(list)
	for _, h := range slices.Compact(list) {
		term.PrintLine(o.Out, "%s", h)
	}
	return findErr
}
