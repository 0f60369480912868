package verb

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// copyOptions carry from registry to registry, where one machine sees both.
type copyOptions struct {
	*term.Program
	option.Registry
	option.Mirror
	workflow.ContentsOptions
	workflow.DeliverOptions

	bundle string
}

// NewCopy is the command copy, which copies from registry to registry.
func NewCopy(p *term.Program) *cobra.Command {
	o := &copyOptions{Program: p, ContentsOptions: workflow.NewContentsOptions(), DeliverOptions: workflow.NewDeliverOptions()}
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
	o.Registry.AddFlags(fs)
	o.Mirror.AddAddressFlags(fs)
	o.ContentsOptions.AddFlags(fs)
	o.DeliverOptions.AddFlags(fs)
	fs.StringVar(&o.bundle, "bundle", "", "copy the contents of this bundle, as oci://HOST/PATH:TAG, instead of discovering images")
	return cmd
}

func (o *copyOptions) run(ctx context.Context) error {
	if err := o.Output.Validate(); err != nil {
		return err
	}
	target, err := workflow.TargetRegistry(o.Program, o.ContentsOptions.Site, o.Mirror)
	if err != nil {
		return err
	}
	src, err := o.openSource(ctx, target)
	if err != nil {
		return err
	}
	return o.PushSource(ctx, o.Program, &o.Registry, src, target)
}

func (o *copyOptions) openSource(ctx context.Context, target plan.SiteRegistry) (images.Source, error) {
	if o.bundle != "" {
		b, err := workflow.OpenBundle(ctx, o.bundle, o.RestrictedClientFactory(o.Program, target))
		if err != nil {
			return nil, err
		}
		if _, ok := b.(*bundle.Remote); !ok {
			_ = b.Close()
			return nil, term.WithHint(fmt.Errorf("copying %q: it is a file, not an oci:// reference", o.bundle), "helm aistor push "+o.bundle+" does that")
		}
		return b.Source(), nil
	}
	// The password is for the registry that is pushed to; what is fetched may
	// be anywhere.
	client, err := o.RestrictedClientFactory(o.Program, target)(o.FetchMirrorHost())
	if err != nil {
		return nil, err
	}
	c, err := o.FindContents(ctx, o.Program, &o.Registry, client)
	if err != nil {
		return nil, err
	}
	live, err := bundle.NewDirectSource(ctx, c.Spec, client, o.Concurrency)
	if err != nil {
		return nil, err
	}
	for _, w := range live.Warnings() {
		c.Warn("%s", w)
	}
	return live, nil
}
