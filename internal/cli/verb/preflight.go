package verb

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// preflightOptions check before an upgrade.
type preflightOptions struct {
	workflow.TargetOptions
	option.Output
	checks option.Checks
	pull   option.Pull
	// publicKey and signature prove the bundle.
	publicKey, signature string
	// planFile is a plan that was reviewed.
	planFile string
}

// NewPreflight is the command preflight, which checks before an upgrade.
func NewPreflight(p *term.Program, kube option.Kube) *cobra.Command {
	o := &preflightOptions{TargetOptions: workflow.NewTargetOptions(p, kube), Output: option.NewViewOutput("junit")}
	o.Explain = true
	cmd := &cobra.Command{
		Use:   "preflight",
		Short: "Check all prerequisites of an upgrade",
		Long: "Check cluster, releases, secrets, charts, registry and upgrade path.\n" +
			"Read-only, except that --pull-test starts short-lived pods. Without a\n" +
			"bundle, check the running installation.",
		Example: `  # Check whether everything is ready for this bundle
  kubectl aistor-upgrade preflight --bundle aistor.bundle

  # Check whether a reviewed plan still applies
  kubectl aistor-upgrade preflight --bundle aistor.bundle --plan plan.yaml

  # Check the running installation only
  kubectl aistor-upgrade preflight

  # Test image pulls on the nodes with each namespace's pull secret
  kubectl aistor-upgrade preflight --bundle aistor.bundle --pull-test

  # List all checks
  kubectl aistor-upgrade preflight --list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.TargetOptions.AddFlags(cmd.Flags())
	o.Output.AddFlags(cmd.Flags())
	o.checks.AddFlags(cmd.Flags())
	o.checks.AddAcknowledgeFlag(cmd.Flags())
	o.pull.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.planFile, "plan", "", "reviewed plan; check whether it still applies")
	cmd.Flags().StringVar(&o.publicKey, "public-key", "", "minisign public key or key file, to verify the bundle's signature")
	cmd.Flags().StringVar(&o.signature, "signature", "", "file with the bundle's signature (default: next to the bundle)")
	return cmd
}

func (o *preflightOptions) run(ctx context.Context) error {
	if err := errors.Join(o.Output.Validate(), o.pull.Validate(), o.checks.CheckApplicableIDs("preflight", preflight.PreUpgradeChecks())); err != nil {
		return err
	}
	if o.checks.List {
		display.PrintChecks(o.Out, preflight.PreUpgradeChecks())
		return nil
	}
	if err := o.checks.Validate(); err != nil {
		return err
	}
	reviewed, err := o.readReviewedPlan()
	if err != nil {
		return err
	}
	subject, t, err := o.buildSubject(ctx)
	if err != nil {
		return err
	}
	defer t.Close()
	opts, err := o.checks.BuildOptions(t.Site)
	if err != nil {
		return err
	}
	if err := o.configureSubject(ctx, subject, t, reviewed); err != nil {
		return err
	}
	report := runChecks(ctx, &o.TargetOptions, preflight.PreUpgradeChecks(), subject, opts)
	if err := term.InterruptionError(ctx); err != nil {
		return err
	}
	if err := display.PrintReportDocument(&o.Output, o.Out, report, func(w io.Writer) { display.PrintReport(w, report) }); err != nil {
		return err
	}
	return display.ReportExitError(report)
}

// readReviewedPlan is the plan of --plan; nil without one.
func (o *preflightOptions) readReviewedPlan() (*plan.Plan, error) {
	if o.planFile == "" {
		return nil, nil
	}
	if o.BundleFile == "" && o.ImageOnly == "" {
		return nil, term.WithHint(errors.New("--plan requires --bundle"), "set --bundle to the bundle that the plan was made from")
	}
	return workflow.ReadPlanFile(o.planFile)
}

// configureSubject adds what only this verb checks.
func (o *preflightOptions) configureSubject(ctx context.Context, s *preflight.Subject, t *workflow.Target, reviewed *plan.Plan) error {
	s.Acknowledged = o.checks.AcknowledgedFor(t.Site)
	if s.Reviewed = reviewed; reviewed != nil {
		if err := o.AdoptClaims(t, reviewed); err != nil {
			s.StaleReason = err.Error()
		} else if err := o.CheckResumable(ctx, t, reviewed); err != nil {
			s.StaleReason = err.Error()
		} else {
			s.Reviewed = t.Plan // what is left of it is as good
		}
	}
	if t.Bundle != nil {
		s.Bundle = workflow.BundleVerifier{Program: o.Program, File: o.BundleFile, Reader: t.Bundle, PublicKey: o.publicKey, Signature: o.signature, FullRead: true}
	}
	return o.pull.ConfigureSubject(ctx, o.Program, o.Kube, t.Cluster, s)
}

// runChecks runs checks. A terminal shows how far they are.
func runChecks(ctx context.Context, o *workflow.TargetOptions, checks []preflight.Check, s *preflight.Subject, opts preflight.Options) *preflight.Report {
	say, end := o.StatusLine()
	defer end()
	done := 0
	opts.OnResult = func(preflight.Result) {
		done++
		say("%d of %d checks done", done, len(checks))
	}
	return o.Kube.RunChecks(ctx, checks, s, opts)
}

// buildSubject is the input of the checks: with a bundle the entire plan, else what
// is running.
func (o *preflightOptions) buildSubject(ctx context.Context) (*preflight.Subject, *workflow.Target, error) {
	if o.BundleFile != "" || o.ImageOnly != "" {
		t, err := o.LoadTarget(ctx)
		if err != nil {
			return nil, nil, err
		}
		s, err := o.PlanSubject(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		if err := o.AddResumeState(ctx, s); err != nil {
			term.PrintLine(o.ErrOut, "warning: could not determine whether an upgrade was interrupted: %v", err)
		}
		return s, t, nil
	}
	t := &workflow.Target{}
	var err error
	if t.Site, err = o.Site.ReadSite(o.Program); err != nil {
		return nil, nil, err
	}
	if t.Cluster, err = cluster.New(o.Kube.ConfigFlags, cluster.WithRedactor(o.Redactor())); err != nil {
		return nil, nil, err
	}
	if t.Inputs.Facts, err = o.CollectFacts(ctx, t); err != nil {
		return nil, nil, err
	}
	if ns := o.Kube.ExplicitNamespace(); ns != "" && isNamespaceOwner(t.Inputs.Facts) {
		term.PrintLine(o.ErrOut, "checking namespace %s only: not allowed to list object stores in other namespaces", ns)
		if t.Inputs.Facts, err = t.Cluster.Facts(ctx, cluster.Scope{SingleNamespace: ns, Events: true}); err != nil {
			return nil, nil, err
		}
	}
	s := &preflight.Subject{Facts: t.Inputs.Facts, Now: o.Now()}
	if s.Site, err = option.RegistryOf(o.Mirror, t.Site, s.Facts); err != nil {
		return s, t, nil // nothing names a registry: the checks say so
	}
	own, err := o.NewRegistryClient(o.Program, s.Site.PushHost())
	if err != nil {
		return nil, nil, err
	}
	s.Registry = workflow.NewRegistryProber(o.Program, o.Registry, s.Site, own)
	return s, t, nil
}

// isNamespaceOwner reports whether the user sees no operator and may not list object
// stores everywhere: the owner of a namespace, who names it with -n.
func isNamespaceOwner(f *plan.Facts) bool {
	return f.Operator == nil && slices.ContainsFunc(f.Gaps, func(g plan.Gap) bool {
		return g.Denied && g.Subject == "objectstores in all namespaces"
	})
}
