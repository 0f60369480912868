package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// pushOptions move a bundle into the private registry.
type pushOptions struct {
	*Program
	registryOptions
	mirrorOptions
	deliverOptions
	site siteOptions
	as   []string
}

func newPush(p *Program) *cobra.Command {
	o := &pushOptions{Program: p, deliverOptions: newDeliverOptions()}
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
		Args: exactArgs(1, "the bundle"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	o.registryOptions.addFlags(fs)
	o.mirrorOptions.addFlags(fs)
	o.deliverOptions.addFlags(fs)
	o.site.addFlags(fs, "site", "site file with registry settings; flags take precedence")
	fs.StringArrayVar(&o.as, "as", nil, "image reference of an archive in the directory, as FILE=REF (can be repeated)")
	return cmd
}

func (o *pushOptions) run(ctx context.Context, ref string) error {
	if err := o.outputOptions.validate(); err != nil {
		return err
	}
	target, err := targetRegistry(o.Program, o.site, o.mirrorOptions)
	if err != nil {
		return err
	}
	b, err := openBundle(ctx, ref, o.restrictedClientFactory(o.Program, target), o.as...)
	if err != nil {
		return err
	}
	defer b.Close()
	if o.pushesCharts() {
		if err := bundle.CheckCharts(b); err != nil {
			return err
		}
	}
	err = o.pushSource(ctx, o.Program, &o.registryOptions, b.Source(), target)
	if registry.KindOf(err) == registry.Digest {
		err = withHint(err, "helm aistor bundle verify "+ref+" checks for damage")
	}
	return err
}

// targetRegistry is the private registry as flags or a site file name it.
func targetRegistry(p *Program, s siteOptions, m mirrorOptions) (plan.SiteRegistry, error) {
	site, err := s.readSite(p)
	if err != nil {
		return plan.SiteRegistry{}, err
	}
	return registryOf(m, site, nil)
}

// restrictedClientFactory makes clients that give the user's password to the registry that is
// pushed to and to no other.
func (o *registryOptions) restrictedClientFactory(p *Program, target plan.SiteRegistry) clientFactory {
	return func(host string) (*registry.Client, error) {
		if host != target.PushHost() && host != target.Registry {
			host = ""
		}
		return o.newRegistryClient(p, host)
	}
}

// deliverOptions say how things are put into the private registry, and what is
// told of it. push and copy share them.
type deliverOptions struct {
	outputOptions
	dryRun       bool
	repositories bool
	overwrite    bool
	charts       string
	receipt      string
}

func newDeliverOptions() deliverOptions {
	return deliverOptions{outputOptions: newOutputOptions()}
}

func (o *deliverOptions) addFlags(fs *pflag.FlagSet) {
	o.outputOptions.addFlags(fs)
	fs.BoolVar(&o.dryRun, "dry-run", false, "only report what is missing")
	fs.BoolVar(&o.repositories, "print-repositories", false, "only list the required repositories")
	fs.BoolVar(&o.overwrite, "overwrite-tag", false, "overwrite tags that point to another digest")
	fs.StringVar(&o.charts, "charts", "", "path of charts in the registry, or none (default: PREFIX/charts)")
	fs.StringVar(&o.receipt, "receipt", "", "write a JSON receipt to this file")
}

// pushesCharts reports whether charts go to the registry.
func (o *deliverOptions) pushesCharts() bool { return !o.repositories && o.charts != "none" }

// pushSource pushes src and prints the receipt, which is kept also of a push that
// failed: it says what was done.
func (o *deliverOptions) pushSource(ctx context.Context, p *Program, reg *registryOptions, src images.Source, target plan.SiteRegistry) error {
	opts := images.PushOptions{
		Concurrency: reg.concurrency, OverwriteTags: o.overwrite, DryRun: o.dryRun, ChartsPath: o.charts,
	}
	if o.charts == "none" {
		opts.NoCharts, opts.ChartsPath = true, ""
	}
	if o.repositories {
		for _, r := range images.ListRepositories(src, target.Mirror, opts) {
			printLine(p.Out, "%s", r)
		}
		return nil
	}
	if err := o.checkReceiptWritable(); err != nil {
		return err
	}
	client, err := reg.newRegistryClient(p, target.PushHost())
	if err != nil {
		return err
	}
	title := "pushing"
	if o.dryRun {
		title = "looking"
	}
	events, end := p.startProgress(title)
	opts.Progress = events
	receipt, err := images.Push(ctx, src, client, target.Mirror, opts)
	end()
	if isInterrupted(ctx, err) {
		err = withHint(err, "rerun the same command to resume; existing content is not uploaded again")
	}
	if saved := o.saveReceipt(p, receipt); err == nil {
		err = saved
	}
	if err != nil {
		return err
	}
	return o.showReceipt(p, receipt)
}
