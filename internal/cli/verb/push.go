package verb

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
)

// pushOptions move a bundle into the private registry.
type pushOptions struct {
	*term.Program
	option.Registry
	option.Mirror
	workflow.DeliverOptions
	site option.Site
	as   []string
}

// NewPush is the command push, which pushes a bundle into the private registry.
func NewPush(p *term.Program) *cobra.Command {
	o := &pushOptions{Program: p, DeliverOptions: workflow.NewDeliverOptions()}
	cmd := &cobra.Command{
		Use:   "push BUNDLE",
		Short: "Push a bundle to the private registry",
		Long: "Push the contents of a bundle to the private registry. Existing content is\n" +
			"not uploaded again; tags and digests are preserved. No cluster is required.\n\n" +
			"BUNDLE is a file or its parts, a directory of archives named aistor-IMAGE-TAG.tar with\n" +
			"charts, or oci://HOST/PATH:TAG of a bundle in another registry.",
		Example: `  helm aistor push aistor.bundle --registry registry.example.com:5000

  # List the repositories to create
  helm aistor push aistor.bundle --registry registry.example.com:5000 --print-repositories

  # Read the password from stdin and write a receipt
  helm aistor push aistor.bundle --site site.yaml --registry-user robot --password-stdin --receipt receipt.json < password

  # Push manually saved archives
  helm aistor push ./archives --registry registry.example.com:5000 --as sidecar.tar=quay.io/minio/aistor/minio-sidecar:v1`,
		Args: term.ExactArgs(1, "the bundle"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	o.Registry.AddFlags(fs)
	o.Mirror.AddAddressFlags(fs)
	o.DeliverOptions.AddFlags(fs)
	o.site.AddFlags(fs, "site", "site file with registry settings; flags take precedence")
	fs.StringArrayVar(&o.as, "as", nil, "image reference of an archive in the directory, as FILE=REF (can be repeated)")
	return cmd
}

func (o *pushOptions) run(ctx context.Context, ref string) error {
	if err := o.Output.Validate(); err != nil {
		return err
	}
	target, err := workflow.TargetRegistry(o.Program, o.site, o.Mirror)
	if err != nil {
		return err
	}
	b, err := workflow.OpenBundle(ctx, ref, o.RestrictedClientFactory(o.Program, target), o.as...)
	if err != nil {
		return err
	}
	defer b.Close()
	if o.PushesCharts() {
		if err := bundle.CheckCharts(b); err != nil {
			return err
		}
	}
	err = o.PushSource(ctx, o.Program, &o.Registry, b.Source(), target)
	if registry.KindOf(err) == registry.Digest {
		err = term.WithHint(err, "helm aistor bundle verify "+ref+" checks for damage")
	}
	return err
}
