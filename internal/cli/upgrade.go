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
		Short: "Push images, upgrade operator and object stores, and validate",
		Long: "Run all phases of the upgrade: plan, check, back up, push missing images, check the\n" +
			"registry, upgrade the operator chart, then each object store, and validate.\n" +
			"If interrupted, rerun the same command to resume.",
		Example: `  helm aistor upgrade --bundle aistor.bundle

  # Change only the server image, with the installed charts
  helm aistor upgrade --image-only RELEASE.2026-06-06T02-44-06Z --object-store team-a/primary

  # Upgrade the operator now without restarting object stores
  helm aistor upgrade --bundle aistor.bundle --operator-only --pin-store-images

  # Preview
  helm aistor upgrade --bundle aistor.bundle --dry-run

  # Write reports
  helm aistor upgrade --bundle aistor.bundle --report report.html --report report.json

  # Images were pushed already; pause after the operator
  helm aistor upgrade --bundle aistor.bundle --push never --stop-after operator-5.10.0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	kube.addFlags(fs)
	o.targetOptions.addFlags(fs)
	o.runOptions.addFlags(fs)
	o.pull.addFlags(fs)
	fs.BoolVar(&o.overwrite, "overwrite-tag", false, "overwrite tags in the registry that point to another digest")
	fs.StringVar(&o.publicKey, "public-key", "", "minisign public key or key file: require a bundle signed with it")
	fs.StringVar(&o.signature, "signature", "", "file with the bundle's signature (default: next to the bundle)")
	fs.StringVar(&o.planKey, "plan-key", "", "minisign public key: require a plan signed with it (PLAN.minisig)")
	fs.StringVar(&o.planFile, "plan", "", "reviewed plan: run exactly this plan")
	fs.StringVar(&o.description, "description", "", "text for the description of each Helm revision")
	fs.BoolVar(&o.rollbackOnFailure, "rollback-on-failure", false, "roll back the release of a failed step to its previous revision if that is safe; earlier steps are kept")
	fs.BoolVar(&o.rollbackOnFailure, "atomic", false, "alias of --rollback-on-failure")
	return cmd
}

func (o *upgradeOptions) run(ctx context.Context) error {
	if o.checks.list {
		printChecks(o.Out, preflight.PreUpgradeChecks())
		return nil
	}
	if err := errors.Join(o.checks.validate(), o.reports.validate(), o.pull.validate()); err != nil {
		return err
	}
	if o.planKey != "" && o.planFile == "" {
		return withHint(errors.New("--plan-key requires --plan"), "add --plan FILE")
	}
	if err := o.endpoints.resolveEndpoints(o.Program, &o.registryOptions); err != nil {
		return err
	}
	o.explain = o.planFile != "" // the reviewed plan has these warnings
	t, err := o.loadTarget(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	if err := o.openLog(t); err != nil {
		return err
	}
	return o.writeEvidence(ctx, t, o.runApproved(ctx, t))
}

// runApproved runs the checks and, once approved, the plan.
func (o *upgradeOptions) runApproved(ctx context.Context, t *target) error {
	if err := interruptionError(ctx); err != nil {
		return err
	}
	if err := o.checkReviewedPlan(ctx, t); err != nil {
		return err
	}
	printPlan(o.Out, o.kube, t.plan)
	if err := t.plan.RefusalError(); err != nil {
		return withoutMessage(ExitCheckFailed)
	}
	if err := verifyEndpoints(ctx, o.Program, &o.endpoints, t); err != nil {
		return err
	}
	subject, err := o.planSubject(ctx, t)
	if err != nil {
		return err
	}
	subject.Acknowledged = o.checks.acknowledgedFor(t.site)
	subject.Bundle = signatureVerifier(t, o.Program, o.bundleFile, o.publicKey, o.signature)
	fenced, err := o.fence(t)
	if err != nil {
		return err
	}
	if err := o.pull.configureSubject(ctx, o.Program, fenced, t.cluster, subject); err != nil {
		return err
	}
	if err := o.addResumeState(ctx, subject); err != nil {
		printLine(o.Out, "! could not read journals of earlier upgrades: %s", sanitizeText(err.Error()))
	}
	if err := o.runPhaseChecks(ctx, t, subject, preflight.PhaseA); err != nil {
		return err
	}
	o.printUnapproved()
	if o.dryRun {
		printLine(o.Out, "\nDry run: nothing was pushed or changed.")
		return nil
	}
	if err := o.askConfirmation(ctx, t.plan); err != nil {
		return err
	}
	return o.executePlan(ctx, t, subject)
}

// checkReviewedPlan refuses a plan that is neither the one in --plan nor what is left of
// it, and says where they part.
func (o *upgradeOptions) checkReviewedPlan(ctx context.Context, t *target) error {
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
		o.evidence.signedBy = by
		printLine(o.Out, "Plan %s is signed by %s", sanitizeText(o.planFile), by)
	}
	want, err := readPlan(o.planFile, content)
	if err != nil {
		return err
	}
	o.approved = want
	if err := o.adoptClaims(t, want); err != nil {
		return withCode(ExitCheckFailed, withHint(fmt.Errorf("comparing with plan %q: %w", o.planFile, err), anewHint))
	}
	if t.plan.DiffersFrom(want) == "" {
		return nil
	}
	if want.Options.GitOps {
		return withCode(ExitCheckFailed, fmt.Errorf("reading plan %q: this plan is applied by commits; see its README.md", o.planFile))
	}
	if err := o.checkResumable(ctx, t, want); err != nil {
		return withCode(ExitCheckFailed, withHint(fmt.Errorf("comparing with plan %q: %w", o.planFile, err),
			"give it the flags that the plan was made with; "+anewHint))
	}
	printLine(o.Out, "Resuming plan %s", shortDigest(want.Digest()))
	return nil
}

// printUnapproved names the findings of the checks that the reviewed plan's file
// does not have. What its file says of the checks decides nothing: they were made
// again just now.
func (o *upgradeOptions) printUnapproved() {
	if o.approved == nil || len(o.evidence.before) == 0 {
		return
	}
	now := verdictOf(o.evidence.before[len(o.evidence.before)-1], nil)
	for _, f := range now.Unseen(o.approved.Preflight) {
		state := f.Status
		if f.Waived != "" {
			state = "waived"
		}
		printLine(o.Out, "! %s", wrapText(fmt.Sprintf("check %s (%s) is not among the findings that %s was reviewed with", f.Check, state, sanitizeText(o.planFile)), 76, "  "))
	}
}

// anewHint is what helps where a reviewed plan does not hold any more.
const anewHint = "helm aistor plan --out makes one for the present state, to be reviewed again"

// adoptClaims takes the volume claims that a reviewed plan recorded in place of
// the present ones, but for those whose change was accepted. A plan file that
// lacks a claim was edited, or made before the claim was: a claim that nobody
// recorded cannot be told from one that took its place.
func (o *targetOptions) adoptClaims(t *target, reviewed *plan.Plan) error {
	if missing := t.plan.Claims.Missing(reviewed.Claims); missing != "" {
		return fmt.Errorf("it was edited, or made for another state: %s is missing in the file", missing)
	}
	t.plan.Claims = t.inputs.Facts.AcceptClaims(t.plan.Claims.Since(reviewed.Claims), o.choices.AcceptVolumes)
	return nil
}

// checkResumable demands that the plan at hand is what an interrupted upgrade left of
// the one that was reviewed.
func (o *targetOptions) checkResumable(ctx context.Context, t *target, want *plan.Plan) error {
	f := t.inputs.Facts
	if journalNamespace(f) == "" {
		return upgrade.VerifyResumable(want, t.plan, f, nil)
	}
	confirmed, err := o.confirmed(ctx, f, journal.EvidenceOf(f))
	if err != nil {
		return err
	}
	return upgrade.VerifyResumable(want, t.plan, f, confirmed.Runs)
}
