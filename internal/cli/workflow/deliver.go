package workflow

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// TargetRegistry is the private registry as flags or a site file name it.
func TargetRegistry(p *term.Program, s option.Site, m option.Mirror) (plan.SiteRegistry, error) {
	site, err := s.ReadSite(p)
	if err != nil {
		return plan.SiteRegistry{}, err
	}
	return option.RegistryOf(m, site, nil)
}

// DeliverOptions say how things are put into the private registry, and what is
// told of it. push and copy share them.
type DeliverOptions struct {
	option.Output
	dryRun       bool
	repositories bool
	overwrite    bool
	charts       string
	receipt      string
}

// NewDeliverOptions prints a table by default.
func NewDeliverOptions() DeliverOptions {
	return DeliverOptions{Output: option.NewOutput()}
}

// AddFlags registers the flags of the group.
func (o *DeliverOptions) AddFlags(fs *pflag.FlagSet) {
	o.Output.AddFlags(fs)
	fs.BoolVar(&o.dryRun, "dry-run", false, "only report what is missing")
	fs.BoolVar(&o.repositories, "print-repositories", false, "only list the required repositories")
	fs.BoolVar(&o.overwrite, "overwrite-tag", false, "overwrite tags that point to another digest")
	fs.StringVar(&o.charts, "charts", "", "path of charts in the registry, or none (default: PREFIX/charts)")
	fs.StringVar(&o.receipt, "receipt", "", "write a JSON receipt to this file")
}

// PushesCharts reports whether charts go to the registry.
func (o *DeliverOptions) PushesCharts() bool { return !o.repositories && o.charts != "none" }

// PushSource pushes src and prints the receipt, which is kept also of a push that
// failed: it says what was done.
func (o *DeliverOptions) PushSource(ctx context.Context, p *term.Program, reg *option.Registry, src images.Source, target plan.SiteRegistry) error {
	opts := images.PushOptions{
		Concurrency: reg.Concurrency, OverwriteTags: o.overwrite, DryRun: o.dryRun, ChartsPath: o.charts,
	}
	if o.charts == "none" {
		opts.NoCharts, opts.ChartsPath = true, ""
	}
	if o.repositories {
		for _, r := range images.ListRepositories(src, target.Mirror, opts) {
			term.PrintLine(p.Out, "%s", r)
		}
		return nil
	}
	if err := o.checkReceiptWritable(); err != nil {
		return err
	}
	client, err := reg.NewRegistryClient(p, target.PushHost())
	if err != nil {
		return err
	}
	title := "pushing"
	if o.dryRun {
		title = "looking"
	}
	events, end := p.StartProgress(title)
	opts.Progress = events
	receipt, err := images.Push(ctx, src, client, target.Mirror, opts)
	end()
	if term.IsInterrupted(ctx, err) {
		err = term.WithHint(err, "rerun the same command to resume; existing content is not uploaded again")
	}
	if saved := o.saveReceipt(p, receipt); err == nil {
		err = saved
	}
	if err != nil {
		return err
	}
	return o.showReceipt(p, receipt)
}
