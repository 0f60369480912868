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
		Long: "Copy what bundle create would fetch to where push would put it, without a file in\n" +
			"between, for a machine that sees both registries. The bundle's manifest goes along,\n" +
			"so that the verbs behind take --bundle oci://… as after a push.",
		Example: `  # What an installation needs, into its registry
  helm aistor copy --for site.yaml

  # The newest charts with their images
  helm aistor copy --registry registry.example.com:5000 --platform linux/amd64

  # From a registry for tests to the one for production
  helm aistor copy --bundle oci://test.example.com/charts/aistor-bundle:0123456789abcdef --registry prod.example.com`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	o.registryOptions.addFlags(fs)
	o.mirrorOptions.addFlags(fs)
	o.contentsOptions.addFlags(fs)
	o.deliverOptions.addFlags(fs)
	fs.StringVar(&o.bundle, "bundle", "", "copy what this bundle holds, as oci://HOST/PATH:TAG, in place of discovering it")
	return cmd
}

func (o *copyOptions) run(ctx context.Context) error {
	if err := o.outputOptions.validate(); err != nil {
		return err
	}
	target, err := destination(o.Program, o.contentsOptions.site, o.mirrorOptions)
	if err != nil {
		return err
	}
	src, err := o.source(ctx, target)
	if err != nil {
		return err
	}
	return o.deliver(ctx, o.Program, &o.registryOptions, src, target)
}

func (o *copyOptions) source(ctx context.Context, target plan.SiteRegistry) (images.Source, error) {
	if o.bundle != "" {
		b, err := openBundle(ctx, o.bundle, o.only(o.Program, target))
		if err != nil {
			return nil, err
		}
		if _, ok := b.(*bundle.Remote); !ok {
			_ = b.Close()
			return nil, withHint(fmt.Errorf("copying %q: it is a file", o.bundle), "helm aistor push "+o.bundle+" does that")
		}
		return b.Source(), nil
	}
	// The password is for the registry that is pushed to; what is fetched may
	// be anywhere.
	client, err := o.only(o.Program, target)(o.mirrorHost())
	if err != nil {
		return nil, err
	}
	c, err := o.find(ctx, o.Program, &o.registryOptions, client)
	if err != nil {
		return nil, err
	}
	live, err := bundle.NewLive(ctx, c.spec, client, o.concurrency)
	if err != nil {
		return nil, err
	}
	for _, w := range live.Warnings() {
		c.warn("%s", w)
	}
	return live, nil
}
