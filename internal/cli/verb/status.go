package verb

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// statusOptions show one screen.
type statusOptions struct {
	*term.Program
	kube option.Kube
	option.Output
	option.Scope
	followOptions
	option.Registry
	bundle string
}

// NewStatus is the command status, which shows an overview.
func NewStatus(p *term.Program, kube option.Kube) *cobra.Command {
	o := &statusOptions{Program: p, kube: kube, Output: option.NewViewOutput()}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show operator, object stores and the last upgrade",
		Long: "Show installed versions, health and the last upgrade, and with --bundle\n" +
			"the versions that it would install.",
		Example: `  kubectl aistor-upgrade status

  # One namespace, without cluster-wide permissions
  kubectl aistor-upgrade status -n team-a

  # Compare with a bundle
  kubectl aistor-upgrade status --bundle aistor.bundle

  # Watch for changes
  kubectl aistor-upgrade status -w

  # For scripts
  kubectl aistor-upgrade status -o jsonpath='{.objectStores[*].health}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	o.Output.AddFlags(fs)
	o.Scope.AddFlags(fs)
	o.followOptions.addFlags(fs, "watch until interrupted")
	fs.StringVar(&o.bundle, "bundle", "", "show the versions in this bundle")
	o.Registry.AddFlags(fs)
	return cmd
}

func (o *statusOptions) run(ctx context.Context) error {
	if err := errors.Join(o.Output.Validate(), o.followOptions.validate()); err != nil {
		return err
	}
	client, err := cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.Redactor()))
	if err != nil {
		return err
	}
	brings, err := o.readBundleVersions(ctx)
	if err != nil {
		return err
	}
	scope := o.ClusterScope(o.kube)
	look := func(ctx context.Context) (*plan.Facts, *display.Status, error) {
		facts, err := o.CollectFacts(ctx, client, scope)
		if err != nil {
			return nil, nil, err
		}
		return facts, o.buildDocument(ctx, facts, brings), nil
	}
	if !o.Watch {
		facts, doc, err := look(ctx)
		if err != nil {
			return err
		}
		if err := o.PrintDocument(o.Out, doc, func(w io.Writer) { display.PrintStatus(w, doc, o.IsWide()) }); err != nil {
			return err
		}
		facts.Gaps = doc.Gaps // with those of the last upgrade
		return unseen(facts, notInStatus...)
	}
	return o.followStatus(ctx, look, client, scope)
}

// followStatus shows the status again whenever something changed: over the last one
// on a terminal, after it elsewhere.
func (o *statusOptions) followStatus(ctx context.Context, look func(context.Context) (*plan.Facts, *display.Status, error), client *cluster.Client, scope cluster.Scope) error {
	s := newScreen(o.Program)
	last := ""
	err := o.followOptions.followChanges(ctx, o.Program, client, scope, func(ctx context.Context) (*plan.Facts, bool, error) {
		facts, doc, err := look(ctx)
		if err != nil {
			return nil, false, err
		}
		var b strings.Builder
		if err := o.PrintDocument(s.withColor(&b), doc, func(w io.Writer) { display.PrintStatus(w, doc, o.IsWide()) }); err != nil {
			return nil, false, err
		}
		if text := b.String(); text != last {
			last = text
			s.showText(text, o.IsTable())
		}
		return facts, false, nil
	})
	if o.Timeout > 0 && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil // it was to end then
	}
	return err
}

func (o *statusOptions) buildDocument(ctx context.Context, f *plan.Facts, brings *display.BundleVersions) *display.Status {
	doc := &display.Status{
		APIVersion: plan.APIVersion, Kind: display.KindStatus, Context: f.Context, Server: f.Server, Cluster: f.ServerVersion,
		Namespace: f.Namespace, License: display.LicenseStatusOf(f, o.Now()), Gaps: f.Gaps, Bundle: brings.CompareInstalled(f), Stores: []display.StoreStatus{},
	}
	doc.Operator, doc.OperatorReady, doc.OperatorPods = f.Operator, 0, 0
	for _, w := range f.Workloads {
		if w.Store == "" {
			doc.OperatorReady += w.Ready
			doc.OperatorPods += w.Replicas
		}
	}
	for _, s := range f.Stores {
		doc.Stores = append(doc.Stores, display.StoreStatusOf(f, s))
	}
	doc.ShowDeletions(f.Deletions(), o.Now())
	if workflow.JournalNamespace(f) == "" {
		return doc
	}
	var err error
	doc.Upgrade, err = o.lastRun(ctx, f)
	if denied := apierrors.IsForbidden(err); err != nil && !(denied && f.Operator == nil) {
		doc.Gaps = append(slices.Clip(doc.Gaps), plan.Gap{Subject: "the last upgrade in " + workflow.JournalNamespace(f), Cause: err.Error(), Denied: denied})
	}
	return doc
}

func (o *statusOptions) lastRun(ctx context.Context, f *plan.Facts) (*display.RunStatus, error) {
	client, err := o.kube.NewClientset()
	if err != nil {
		return nil, err
	}
	return lastRun(ctx, client, f, o.Now())
}
