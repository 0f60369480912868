package cli

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// preflightOptions check before an upgrade.
type preflightOptions struct {
	targetOptions
	outputOptions
	checks checkOptions
	pull   pullOptions
	// publicKey and signature prove the bundle.
	publicKey, signature string
	// planFile is a plan that was reviewed.
	planFile string
}

func newPreflight(p *Program, kube kubeOptions) *cobra.Command {
	o := &preflightOptions{targetOptions: newTargetOptions(p, kube), outputOptions: newViewOptions("junit")}
	o.explain = true
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
	o.targetOptions.addFlags(cmd.Flags())
	o.outputOptions.addFlags(cmd.Flags())
	o.checks.addFlags(cmd.Flags())
	o.pull.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.planFile, "plan", "", "reviewed plan; check whether it still applies")
	cmd.Flags().StringVar(&o.publicKey, "public-key", "", "minisign public key or key file, to verify the bundle's signature")
	cmd.Flags().StringVar(&o.signature, "signature", "", "file with the bundle's signature (default: next to the bundle)")
	return cmd
}

func (o *preflightOptions) run(ctx context.Context) error {
	if err := errors.Join(o.outputOptions.validate(), o.pull.validate(), o.checks.checkApplicableIDs("preflight", preflight.PreUpgradeChecks())); err != nil {
		return err
	}
	if o.checks.list {
		printChecks(o.Out, preflight.PreUpgradeChecks())
		return nil
	}
	if err := o.checks.validate(); err != nil {
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
	defer t.close()
	opts, err := o.checks.buildOptions(t.site)
	if err != nil {
		return err
	}
	if err := o.configureSubject(ctx, subject, t, reviewed); err != nil {
		return err
	}
	report := o.runChecks(ctx, preflight.PreUpgradeChecks(), subject, opts)
	if err := interruptionError(ctx); err != nil {
		return err
	}
	if err := printReportDocument(&o.outputOptions, o.Out, report, func(w io.Writer) { printReport(w, report) }); err != nil {
		return err
	}
	return reportExitError(report)
}

// readReviewedPlan is the plan of --plan; nil without one.
func (o *preflightOptions) readReviewedPlan() (*plan.Plan, error) {
	if o.planFile == "" {
		return nil, nil
	}
	if o.bundleFile == "" && o.imageOnly == "" {
		return nil, withHint(errors.New("--plan requires --bundle"), "set --bundle to the bundle that the plan was made from")
	}
	return readPlanFile(o.planFile)
}

// configureSubject adds what only this verb checks.
func (o *preflightOptions) configureSubject(ctx context.Context, s *preflight.Subject, t *target, reviewed *plan.Plan) error {
	s.Acknowledged = o.checks.acknowledgedFor(t.site)
	if s.Reviewed = reviewed; reviewed != nil {
		if err := o.adoptClaims(t, reviewed); err != nil {
			s.StaleReason = err.Error()
		} else if err := o.checkResumable(ctx, t, reviewed); err != nil {
			s.StaleReason = err.Error()
		} else {
			s.Reviewed = t.plan // what is left of it is as good
		}
	}
	if t.bundle != nil {
		s.Bundle = bundleVerifier{Program: o.Program, file: o.bundleFile, reader: t.bundle, publicKey: o.publicKey, signature: o.signature, fullRead: true}
	}
	return o.pull.configureSubject(ctx, o.Program, o.kube, t.cluster, s)
}

// runChecks runs checks. A terminal shows how far they are.
func (o *preflightOptions) runChecks(ctx context.Context, checks []preflight.Check, s *preflight.Subject, opts preflight.Options) *preflight.Report {
	say, end := o.statusLine()
	defer end()
	done := 0
	opts.OnResult = func(preflight.Result) {
		done++
		say("%d of %d checks done", done, len(checks))
	}
	return o.kube.runChecks(ctx, checks, s, opts)
}

// buildSubject is the input of the checks: with a bundle the entire plan, else what
// is running.
func (o *preflightOptions) buildSubject(ctx context.Context) (*preflight.Subject, *target, error) {
	if o.bundleFile != "" || o.imageOnly != "" {
		t, err := o.loadTarget(ctx)
		if err != nil {
			return nil, nil, err
		}
		s, err := o.planSubject(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		if err := o.addResumeState(ctx, s); err != nil {
			printLine(o.ErrOut, "warning: could not determine whether an upgrade was interrupted: %v", err)
		}
		return s, t, nil
	}
	t := &target{}
	var err error
	if t.site, err = o.site.readSite(o.Program); err != nil {
		return nil, nil, err
	}
	if t.cluster, err = cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.redactor())); err != nil {
		return nil, nil, err
	}
	if t.inputs.Facts, err = o.collectFacts(ctx, t); err != nil {
		return nil, nil, err
	}
	if ns := o.kube.explicitNamespace(); ns != "" && isNamespaceOwner(t.inputs.Facts) {
		printLine(o.ErrOut, "checking namespace %s only: not allowed to list object stores in other namespaces", ns)
		if t.inputs.Facts, err = t.cluster.Facts(ctx, cluster.Scope{SingleNamespace: ns, Events: true}); err != nil {
			return nil, nil, err
		}
	}
	s := &preflight.Subject{Facts: t.inputs.Facts, Now: o.Now()}
	if s.Site, err = registryOf(o.mirrorOptions, t.site, s.Facts); err != nil {
		return s, t, nil // nothing names a registry: the checks say so
	}
	own, err := o.newRegistryClient(o.Program, s.Site.PushHost())
	if err != nil {
		return nil, nil, err
	}
	s.Registry = newRegistryProber(o.Program, o.registryOptions, s.Site, own)
	return s, t, nil
}

// isNamespaceOwner reports whether the user sees no operator and may not list object
// stores everywhere: the owner of a namespace, who names it with -n.
func isNamespaceOwner(f *plan.Facts) bool {
	return f.Operator == nil && slices.ContainsFunc(f.Gaps, func(g plan.Gap) bool {
		return g.Denied && g.Subject == "objectstores in all namespaces"
	})
}

// planSubject is the subject of checks on a plan, with the rights it needs.
func (o *targetOptions) planSubject(ctx context.Context, t *target) (*preflight.Subject, error) {
	own, err := o.newRegistryClient(o.Program, t.plan.Registry.PushHost())
	if err != nil {
		return nil, err
	}
	s := &preflight.Subject{
		Facts: t.inputs.Facts, Inputs: &t.inputs, Plan: t.plan, Now: o.Now(), Site: t.plan.Registry,
		Registry: newRegistryProber(o.Program, o.registryOptions, t.plan.Registry, own),
	}
	var asking sync.WaitGroup
	asking.Go(func() { s.Permissions = t.cluster.ReviewPermissions(ctx, t.inputs.WritePermissions()) })
	asking.Go(func() { s.DryRuns = t.cluster.DryRunChanges(ctx, &t.inputs, t.plan) })
	asking.Wait()
	return s, nil
}
