package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// upgradeOptions carry an upgrade out.
type upgradeOptions struct {
	runOptions
	planFile string
	planKey  string
	// publicKey and signature prove the bundle.
	publicKey, signature string
	// approved is the plan of planFile.
	approved *plan.Plan
}

func newUpgrade(p *Program, kube kubeOptions) *cobra.Command {
	o := &upgradeOptions{runOptions: newRunOptions(p, kube)}
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Push, upgrade operator and object stores in order, and validate",
		Long: "Do the whole upgrade: plan it, check it, back up, push what is missing, check the\n" +
			"registry, upgrade the operator chart, then each object store, and validate.\n" +
			"Interrupted at any moment, the same command goes on.",
		Example: `  helm aistor upgrade --bundle aistor.bundle

  # Only another server image, under the charts that are installed
  helm aistor upgrade --image-only RELEASE.2026-06-06T02-44-06Z --object-store team-a/primary

  # The operator now, and no store restarts before its window
  helm aistor upgrade --bundle aistor.bundle --operator-only --hold-stores

  # What would be done?
  helm aistor upgrade --bundle aistor.bundle --dry-run

  # With evidence, however it ends
  helm aistor upgrade --bundle aistor.bundle --report report.html --report report.json

  # The registry's owner pushed already; park after the operator
  helm aistor upgrade --bundle aistor.bundle --push never --stop-after operator-5.10.0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	kube.addFlags(fs)
	o.targetOptions.addFlags(fs)
	o.runOptions.addFlags(fs)
	o.pull.addFlags(fs)
	fs.BoolVar(&o.overwrite, "overwrite-tag", false, "move tags in the registry that point elsewhere")
	fs.StringVar(&o.publicKey, "public-key", "", "minisign public key, or a file with it: only a bundle with its signature is used")
	fs.StringVar(&o.signature, "signature", "", "file with the bundle's signature (default: beside the bundle)")
	fs.StringVar(&o.planKey, "plan-key", "", "minisign public key: only a plan with its signature (PLAN.minisig) is carried out")
	fs.StringVar(&o.planFile, "plan", "", "plan that was reviewed: only exactly this one is carried out")
	fs.StringVar(&o.description, "description", "", "what Helm's history says of each revision, before what is said of plan and chart there")
	fs.BoolVar(&o.rollbackOnFailure, "rollback-on-failure", false, "take the chart of a step that fails back to the revision before, where that is safe; charts of earlier steps stay")
	fs.BoolVar(&o.rollbackOnFailure, "atomic", false, "the same as --rollback-on-failure")
	return cmd
}

func (o *upgradeOptions) run(ctx context.Context) error {
	if o.checks.list {
		printChecks(o.Out, preflight.Before())
		return nil
	}
	if err := errors.Join(o.checks.validate(), o.reports.validate(), o.pull.validate()); err != nil {
		return err
	}
	if o.planKey != "" && o.planFile == "" {
		return withHint(errors.New("reading --plan-key: there is no plan to verify"), "name it with --plan FILE")
	}
	if err := o.endpoints.resolve(o.Program, &o.registryOptions); err != nil {
		return err
	}
	o.explain = o.planFile != "" // the reviewed plan has these warnings
	t, err := o.load(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	if err := o.begin(t); err != nil {
		return err
	}
	return o.finish(ctx, t, o.carry(ctx, t))
}

// carry goes from the plan to its end.
func (o *upgradeOptions) carry(ctx context.Context, t *target) error {
	if err := interruption(ctx); err != nil {
		return err
	}
	if err := o.reviewed(ctx, t); err != nil {
		return err
	}
	printPlan(o.Out, o.kube, t.plan)
	if err := t.plan.Refused(); err != nil {
		return &silentError{ExitCheckFailed}
	}
	if err := o.endpoints.heard(ctx, o.Program, t); err != nil {
		return err
	}
	subject, err := o.subjectOf(ctx, t)
	if err != nil {
		return err
	}
	subject.Acknowledged = o.checks.acknowledgedFor(t.site)
	subject.Bundle = proofAsRead(t, o.Program, o.bundleFile, o.publicKey, o.signature)
	fenced, err := o.fence(t)
	if err != nil {
		return err
	}
	if err := o.pull.equip(ctx, o.Program, fenced, t.cluster, subject); err != nil {
		return err
	}
	if err := o.resuming(ctx, subject); err != nil {
		line(o.Out, "! earlier upgrades could not be looked at: %s", printable(err.Error()))
	}
	if err := o.check(ctx, t, subject, preflight.PhaseA); err != nil {
		return err
	}
	o.printUnapproved()
	if o.dryRun {
		line(o.Out, "\nDry run: nothing was pushed or changed.")
		return nil
	}
	if err := o.confirm(ctx, t.plan); err != nil {
		return err
	}
	return o.execute(ctx, t, subject)
}

// reviewed refuses a plan that is neither the one in --plan nor what is left of
// it, and says where they part.
func (o *upgradeOptions) reviewed(ctx context.Context, t *target) error {
	if o.planFile == "" {
		return nil
	}
	content, err := os.ReadFile(o.planFile) // once: what is verified is what is read
	if err != nil {
		return fmt.Errorf("reading plan: %w", err)
	}
	if o.planKey != "" {
		by, err := verifyPlan(o.planFile, content, o.planKey)
		if err != nil {
			return withCode(ExitCheckFailed, err)
		}
		o.seen.signedBy = by
		line(o.Out, "Plan %s is signed by %s", printable(o.planFile), by)
	}
	want, err := readPlan(o.planFile, content)
	if err != nil {
		return err
	}
	o.approved = want
	if err := o.adoptClaims(t, want); err != nil {
		return withCode(ExitCheckFailed, withHint(fmt.Errorf("comparing with plan %q: %w", o.planFile, err), anewHint))
	}
	if t.plan.Departs(want) == "" {
		return nil
	}
	if want.Options.GitOps {
		return withCode(ExitCheckFailed, fmt.Errorf("reading plan %q: it is carried out by commits, as the README.md beside it says", o.planFile))
	}
	if err := o.goesOn(ctx, t, want); err != nil {
		return withCode(ExitCheckFailed, withHint(fmt.Errorf("comparing with plan %q: %w", o.planFile, err),
			"give it the flags that the plan was made with; "+anewHint))
	}
	line(o.Out, "Going on with what is left of plan %s", shortDigest(want.Digest()))
	return nil
}

// printUnapproved names the findings of the checks that the reviewed plan's file
// does not have. What its file says of the checks decides nothing: they were made
// again just now.
func (o *upgradeOptions) printUnapproved() {
	if o.approved == nil || len(o.seen.before) == 0 {
		return
	}
	now := verdictOf(o.seen.before[len(o.seen.before)-1], nil)
	for _, f := range now.Unseen(o.approved.Preflight) {
		state := f.Status
		if f.Waived != "" {
			state = "waived"
		}
		line(o.Out, "! %s", wrap(fmt.Sprintf("check %s (%s) is not among the findings that %s was reviewed with", f.Check, state, printable(o.planFile)), 76, "  "))
	}
}

// anewHint is what helps where a reviewed plan does not hold any more.
const anewHint = "helm aistor plan --out makes one for the present state, to be reviewed again"

// adoptClaims takes the volume claims that a reviewed plan recorded in place of
// the present ones, but for those whose change was accepted. A plan file that
// lacks a claim was edited, or made before the claim was: a claim that nobody
// recorded can't be told from one that took its place.
func (o *targetOptions) adoptClaims(t *target, reviewed *plan.Plan) error {
	if missing := t.plan.Claims.Missing(reviewed.Claims); missing != "" {
		return fmt.Errorf("it was edited, or made for another state: %s is missing in the file", missing)
	}
	t.plan.Claims = t.inputs.Facts.AcceptClaims(t.plan.Claims.Since(reviewed.Claims), o.choices.AcceptVolumes)
	return nil
}

// goesOn demands that the plan at hand is what an interrupted upgrade left of
// the one that was reviewed.
func (o *targetOptions) goesOn(ctx context.Context, t *target, want *plan.Plan) error {
	f := t.inputs.Facts
	if home(f) == "" {
		return upgrade.Remainder(want, t.plan, f, nil)
	}
	confirmed, err := o.confirmed(ctx, f, journal.EvidenceOf(f))
	if err != nil {
		return err
	}
	return upgrade.Remainder(want, t.plan, f, confirmed.Runs)
}
