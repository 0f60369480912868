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
		Short: "Push a bundle into the private registry",
		Long: "Push what a bundle carries into the private registry. What is there already is\n" +
			"not sent again; tags and digests stay what they are. No cluster is needed.\n\n" +
			"BUNDLE is a file or its parts, a folder of archives named aistor-IMAGE-TAG.tar with\n" +
			"charts beside, or oci://HOST/PATH:TAG of a bundle in another registry.",
		Example: `  helm aistor push aistor.bundle --registry registry.example.com:5000

  # What must the registry's owner create?
  helm aistor push aistor.bundle --registry registry.example.com:5000 --print-repositories

  # With a password from a file, and evidence
  helm aistor push aistor.bundle --site site.yaml --registry-user robot --password-stdin --receipt receipt.json < password

  # What was saved by hand
  helm aistor push ./archives --registry registry.example.com:5000 --as sidecar.tar=quay.io/minio/aistor/minio-sidecar:v1`,
		Args: exactArgs(1, "the bundle"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	o.registryOptions.addFlags(fs)
	o.mirrorOptions.addFlags(fs)
	o.deliverOptions.addFlags(fs)
	o.site.addFlags(fs, "site", "site file that names the registry; flags win over it")
	fs.StringArrayVar(&o.as, "as", nil, "what a file of a folder is, as FILE=REF (can be repeated)")
	return cmd
}

func (o *pushOptions) run(ctx context.Context, ref string) error {
	if err := o.outputOptions.validate(); err != nil {
		return err
	}
	target, err := destination(o.Program, o.site, o.mirrorOptions)
	if err != nil {
		return err
	}
	b, err := openBundle(ctx, ref, o.only(o.Program, target), o.as...)
	if err != nil {
		return err
	}
	defer b.Close()
	if o.pushesCharts() {
		if err := bundle.CheckCharts(b); err != nil {
			return err
		}
	}
	err = o.deliver(ctx, o.Program, &o.registryOptions, b.Source(), target)
	if registry.KindOf(err) == registry.Digest {
		err = withHint(err, "helm aistor bundle verify "+ref+" tells whether it is damaged")
	}
	return err
}

// destination is the private registry as flags or a site file name it.
func destination(p *Program, s siteOptions, m mirrorOptions) (plan.SiteRegistry, error) {
	site, err := s.read(p)
	if err != nil {
		return plan.SiteRegistry{}, err
	}
	return registryOf(m, site, nil)
}

// only makes clients that give the user's password to the registry that is
// pushed to and to no other.
func (o *registryOptions) only(p *Program, target plan.SiteRegistry) connect {
	return func(host string) (*registry.Client, error) {
		if host != target.MapPushHost() && host != target.Registry {
			host = ""
		}
		return o.client(p, host)
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
	fs.BoolVar(&o.dryRun, "dry-run", false, "only say what is missing")
	fs.BoolVar(&o.repositories, "print-repositories", false, "only list the repositories a push needs")
	fs.BoolVar(&o.overwrite, "overwrite-tag", false, "move tags that point elsewhere")
	fs.StringVar(&o.charts, "charts", "", "path for the charts in the registry, or none (default: charts below the prefix)")
	fs.StringVar(&o.receipt, "receipt", "", "write what went where as JSON to this file")
}

// pushesCharts reports whether charts go to the registry.
func (o *deliverOptions) pushesCharts() bool { return !o.repositories && o.charts != "none" }

// deliver pushes src and prints the receipt, which is kept also of a push that
// failed: it says what was done.
func (o *deliverOptions) deliver(ctx context.Context, p *Program, reg *registryOptions, src images.Source, target plan.SiteRegistry) error {
	opts := images.PushOptions{
		Concurrency: reg.concurrency, OverwriteTags: o.overwrite, DryRun: o.dryRun, ChartsPath: o.charts,
	}
	if o.charts == "none" {
		opts.NoCharts, opts.ChartsPath = true, ""
	}
	if o.repositories {
		for _, r := range images.Repositories(src, target.Mirror, opts) {
			line(p.Out, "%s", r)
		}
		return nil
	}
	if err := o.canSave(); err != nil {
		return err
	}
	client, err := reg.client(p, target.MapPushHost())
	if err != nil {
		return err
	}
	title := "pushing"
	if o.dryRun {
		title = "looking"
	}
	events, end := p.progress(title)
	opts.Progress = events
	receipt, err := images.Push(ctx, src, client, target.Mirror, opts)
	end()
	if interrupted(ctx, err) {
		err = withHint(err, "the same command goes on: what the registry has is not sent again")
	}
	if saved := o.save(p, receipt); err == nil {
		err = saved
	}
	if err != nil {
		return err
	}
	return o.show(p, receipt)
}
