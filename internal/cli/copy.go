package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// copyOptions carry from registry to registry, where one machine sees both.
type copyOptions struct {
	*Program
	registryOptions
	mirrorOptions
	contentsOptions
	deliverOptions

	bundle string
}

func newCopy(p *Program) *cobra.Command {
	o := &copyOptions{Program: p, contentsOptions: newContentsOptions(), deliverOptions: newDeliverOptions()}
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Copy charts and images from registry to registry, without a file",
		Long: "Copy what \"bundle create\" would fetch to where \"push\" would put it, without a\n" +
			"file, on a machine that reaches both registries. The bundle manifest is copied, too,\n" +
			"so that other commands accept --bundle oci://… afterwards.",
		Example: `  # Copy what an installation needs into its registry
  helm aistor copy --for site.yaml

  # The newest charts with their images
  helm aistor copy --registry registry.example.com:5000 --platform linux/amd64

  # From a test registry to production
  helm aistor copy --bundle oci://test.example.com/charts/aistor-bundle:0123456789abcdef --registry prod.example.com`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	o.registryOptions.addFlags(fs)
	o.mirrorOptions.addFlags(fs)
	o.contentsOptions.addFlags(fs)
	o.deliverOptions.addFlags(fs)
	fs.StringVar(&o.bundle, "bundle", "", "copy the contents of this bundle, as oci://HOST/PATH:TAG, instead of discovering images")
	return cmd
}

func (o *copyOptions) run(ctx context.Context) error {
	if err := o.outputOptions.validate(); err != nil {
		return err
	}
	target, err := targetRegistry(o.Program, o.contentsOptions.site, o.mirrorOptions)
	if err != nil {
		return err
	}
	src, err := o.openSource(ctx, target)
	if err != nil {
		return err
	}
	return o.pushSource(ctx, o.Program, &o.registryOptions, src, target)
}

func (o *copyOptions) openSource(ctx context.Context, target plan.SiteRegistry) (images.Source, error) {
	if o.bundle != "" {
		b, err := openBundle(ctx, o.bundle, o.restrictedClientFactory(o.Program, target))
		if err != nil {
			return nil, err
		}
		if _, ok := b.(*bundle.Remote); !ok {
			_ = b.Close()
			return nil, withHint(fmt.Errorf("copying %q: it is a file, not an oci:// reference", o.bundle), "helm aistor push "+o.bundle+" does that")
		}
		return b.Source(), nil
	}
	// The password is for the registry that is pushed to; what is fetched may
	// be anywhere.
	client, err := o.restrictedClientFactory(o.Program, target)(o.fetchMirrorHost())
	if err != nil {
		return nil, err
	}
	c, err := o.findContents(ctx, o.Program, &o.registryOptions, client)
	if err != nil {
		return nil, err
	}
	live, err := bundle.NewDirectSource(ctx, c.spec, client, o.concurrency)
	if err != nil {
		return nil, err
	}
	for _, w := range live.Warnings() {
		c.warn("%s", w)
	}
	return live, nil
}
