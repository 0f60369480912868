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

// preflightOptions look before an upgrade.
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
		Short: "Check everything an upgrade needs, before it starts",
		Long: "Check cluster, releases, secrets, charts, registry and path before an upgrade.\n" +
			"Nothing is changed, unless --pull-test lets nodes pull by short pods. Without a\n" +
			"bundle, what is running is judged.",
		Example: `  # Is everything ready for this bundle?
  kubectl aistor-upgrade preflight --bundle aistor.bundle

  # Is the plan that was reviewed still the one that would be carried out?
  kubectl aistor-upgrade preflight --bundle aistor.bundle --plan plan.yaml

  # Only judge what is running
  kubectl aistor-upgrade preflight

  # Can the nodes pull, each with its namespace's pull secret?
  kubectl aistor-upgrade preflight --bundle aistor.bundle --pull-test

  # What is looked at?
  kubectl aistor-upgrade preflight --list`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	o.targetOptions.addFlags(cmd.Flags())
	o.outputOptions.addFlags(cmd.Flags())
	o.checks.addFlags(cmd.Flags())
	o.pull.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.planFile, "plan", "", "plan that was reviewed: does it hold for this cluster, as it is now?")
	cmd.Flags().StringVar(&o.publicKey, "public-key", "", "minisign public key, or a file with it: the bundle's signature is checked as well")
	cmd.Flags().StringVar(&o.signature, "signature", "", "file with the bundle's signature (default: beside the bundle)")
	return cmd
}

func (o *preflightOptions) run(ctx context.Context) error {
	if err := errors.Join(o.outputOptions.validate(), o.pull.validate(), o.checks.among("preflight", preflight.Before())); err != nil {
		return err
	}
	if o.checks.list {
		printChecks(o.Out, preflight.Before())
		return nil
	}
	if err := o.checks.validate(); err != nil {
		return err
	}
	reviewed, err := o.reviewed()
	if err != nil {
		return err
	}
	subject, t, err := o.subject(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	opts, err := o.checks.options(t.site)
	if err != nil {
		return err
	}
	if err := o.equip(ctx, subject, t, reviewed); err != nil {
		return err
	}
	report := o.report(ctx, preflight.Before(), subject, opts)
	if err := interruption(ctx); err != nil {
		return err
	}
	if err := o.printChecked(o.Out, report, func(w io.Writer) { printReport(w, report) }); err != nil {
		return err
	}
	return verdict(report)
}

// reviewed is the plan of --plan; nil without one.
func (o *preflightOptions) reviewed() (*plan.Plan, error) {
	if o.planFile == "" {
		return nil, nil
	}
	if o.bundleFile == "" && o.imageOnly == "" {
		return nil, withHint(errors.New("reading --plan: there is nothing to compare it with"), "name the bundle it was made of with --bundle")
	}
	return readPlanFile(o.planFile)
}

// equip adds to the subject what this verb alone was asked to look at.
func (o *preflightOptions) equip(ctx context.Context, s *preflight.Subject, t *target, reviewed *plan.Plan) error {
	s.Acknowledged = o.checks.acknowledgedFor(t.site)
	if s.Reviewed = reviewed; reviewed != nil {
		if err := o.adoptClaims(t, reviewed); err != nil {
			s.Departed = err.Error()
		} else if err := o.goesOn(ctx, t, reviewed); err != nil {
			s.Departed = err.Error()
		} else {
			s.Reviewed = t.plan // what is left of it is as good
		}
	}
	if t.bundle != nil {
		s.Bundle = proof{Program: o.Program, file: o.bundleFile, reader: t.bundle, publicKey: o.publicKey, signature: o.signature, whole: true}
	}
	return o.pull.equip(ctx, o.Program, o.kube, t.cluster, s)
}

// report runs checks. A terminal shows how far they are.
func (o *preflightOptions) report(ctx context.Context, checks []preflight.Check, s *preflight.Subject, opts preflight.Options) *preflight.Report {
	say, end := o.passing()
	defer end()
	done := 0
	opts.OnResult = func(preflight.Result) {
		done++
		say("%d of %d checks are done", done, len(checks))
	}
	return o.kube.check(ctx, checks, s, opts)
}

// subject is what the checks look at: with a bundle the whole plan, else what
// is running.
func (o *preflightOptions) subject(ctx context.Context) (*preflight.Subject, *target, error) {
	if o.bundleFile != "" || o.imageOnly != "" {
		t, err := o.load(ctx)
		if err != nil {
			return nil, nil, err
		}
		s, err := o.subjectOf(ctx, t)
		if err != nil {
			return nil, nil, err
		}
		if err := o.resuming(ctx, s); err != nil {
			line(o.ErrOut, "warning: whether an upgrade was interrupted is not known: %v", err)
		}
		return s, t, nil
	}
	t := &target{}
	var err error
	if t.site, err = o.site.read(o.Program); err != nil {
		return nil, nil, err
	}
	if t.cluster, err = cluster.New(o.kube.ConfigFlags, cluster.WithRedactor(o.redactor())); err != nil {
		return nil, nil, err
	}
	if t.inputs.Facts, err = o.facts(ctx, t); err != nil {
		return nil, nil, err
	}
	if ns := o.kube.namespace(); ns != "" && ownOnly(t.inputs.Facts) {
		line(o.ErrOut, "looking at namespace %s alone: this user may not list object stores elsewhere", ns)
		if t.inputs.Facts, err = t.cluster.Facts(ctx, cluster.Scope{Only: ns, Events: true}); err != nil {
			return nil, nil, err
		}
	}
	s := &preflight.Subject{Facts: t.inputs.Facts, Now: o.Now()}
	if s.Site, err = registryOf(o.mirrorOptions, t.site, s.Facts); err != nil {
		return s, t, nil // nothing names a registry: the checks say so
	}
	own, err := o.client(o.Program, s.Site.MapPushHost())
	if err != nil {
		return nil, nil, err
	}
	s.Registry = newProber(o.Program, o.registryOptions, s.Site, own)
	return s, t, nil
}

// ownOnly reports whether the user sees no operator and may not list object
// stores everywhere: the owner of a namespace, who names it with -n.
func ownOnly(f *plan.Facts) bool {
	return f.Operator == nil && slices.ContainsFunc(f.Gaps, func(g plan.Gap) bool {
		return g.Denied && g.What == "objectstores in all namespaces"
	})
}

// subjectOf is the subject of checks on a plan, with the rights it needs.
func (o *targetOptions) subjectOf(ctx context.Context, t *target) (*preflight.Subject, error) {
	own, err := o.client(o.Program, t.plan.Registry.MapPushHost())
	if err != nil {
		return nil, err
	}
	s := &preflight.Subject{
		Facts: t.inputs.Facts, Inputs: &t.inputs, Plan: t.plan, Now: o.Now(), Site: t.plan.Registry,
		Registry: newProber(o.Program, o.registryOptions, t.plan.Registry, own),
	}
	var asking sync.WaitGroup
	asking.Go(func() { s.Access = t.cluster.Access(ctx, t.inputs.Rights()) })
	asking.Go(func() { s.Trials = t.cluster.Trials(ctx, &t.inputs, t.plan) })
	asking.Wait()
	return s, nil
}
