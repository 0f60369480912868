package verb

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// UpgradeOptions carry an upgrade out.
type UpgradeOptions struct {
	workflow.RunOptions
	PlanFile string
	planKey  string
	// publicKey and signature prove the bundle.
	publicKey, signature string
	// approved is the plan of planFile.
	approved *plan.Plan
}

// NewUpgrade is the command upgrade, which runs an upgrade.
func NewUpgrade(p *term.Program, kube option.Kube) *cobra.Command {
	o := &UpgradeOptions{RunOptions: workflow.NewRunOptions(p, kube)}
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
	kube.AddFlags(fs)
	o.TargetOptions.AddFlags(fs)
	o.RunOptions.AddFlags(fs)
	o.Pull.AddFlags(fs)
	fs.BoolVar(&o.Overwrite, "overwrite-tag", false, "overwrite tags in the registry that point to another digest")
	fs.StringVar(&o.publicKey, "public-key", "", "minisign public key or key file: require a bundle signed with it")
	fs.StringVar(&o.signature, "signature", "", "file with the bundle's signature (default: next to the bundle)")
	fs.StringVar(&o.planKey, "plan-key", "", "minisign public key: require a plan signed with it (PLAN.minisig)")
	fs.StringVar(&o.PlanFile, "plan", "", "reviewed plan: run exactly this plan")
	fs.StringVar(&o.Description, "description", "", "text for the description of each Helm revision")
	fs.BoolVar(&o.RollbackOnFailure, "rollback-on-failure", false, "roll back the release of a failed step to its previous revision if that is safe; earlier steps are kept")
	fs.BoolVar(&o.RollbackOnFailure, "atomic", false, "alias of --rollback-on-failure")
	return cmd
}

func (o *UpgradeOptions) run(ctx context.Context) error {
	if o.Checks.List {
		display.PrintChecks(o.Out, preflight.PreUpgradeChecks())
		return nil
	}
	if err := errors.Join(o.Checks.Validate(), o.Reports.Validate(), o.Pull.Validate()); err != nil {
		return err
	}
	if o.planKey != "" && o.PlanFile == "" {
		return term.WithHint(errors.New("--plan-key requires --plan"), "add --plan FILE")
	}
	if err := o.Endpoints.ResolveEndpoints(o.Program, &o.Registry); err != nil {
		return err
	}
	o.Explain = o.PlanFile != "" // the reviewed plan has these warnings
	t, err := o.LoadTarget(ctx)
	if err != nil {
		return err
	}
	defer t.Close()
	if err := o.OpenLog(t); err != nil {
		return err
	}
	return o.WriteEvidence(ctx, t, o.runApproved(ctx, t))
}

// runApproved runs the checks and, once approved, the plan.
func (o *UpgradeOptions) runApproved(ctx context.Context, t *workflow.Target) error {
	if err := term.InterruptionError(ctx); err != nil {
		return err
	}
	if err := o.CheckReviewedPlan(ctx, t); err != nil {
		return err
	}
	display.PrintPlan(o.Out, o.Kube, t.Plan)
	if err := t.Plan.RefusalError(); err != nil {
		return term.WithoutMessage(term.ExitCheckFailed)
	}
	if err := workflow.VerifyEndpoints(ctx, o.Program, &o.Endpoints, t); err != nil {
		return err
	}
	subject, err := o.PlanSubject(ctx, t)
	if err != nil {
		return err
	}
	subject.Bundle = workflow.SignatureVerifier(t, o.Program, o.BundleFile, o.publicKey, o.signature)
	fenced, err := o.Fence(t)
	if err != nil {
		return err
	}
	if err := o.Pull.ConfigureSubject(ctx, o.Program, fenced, t.Cluster, subject); err != nil {
		return err
	}
	if err := o.AddResumeState(ctx, subject); err != nil {
		term.PrintLine(o.Out, "! could not read journals of earlier upgrades: %s", term.SanitizeText(err.Error()))
	}
	if err := o.RunPhaseChecks(ctx, t, subject, preflight.PhaseA); err != nil {
		return err
	}
	o.printUnapproved()
	if o.DryRun {
		term.PrintLine(o.Out, "\nDry run: nothing was pushed or changed.")
		return nil
	}
	if err := o.AskConfirmation(ctx, t.Plan); err != nil {
		return err
	}
	return o.ExecutePlan(ctx, t, subject)
}

// CheckReviewedPlan refuses a plan that is neither the one in --plan nor what is left of
// it, and says where they part.
func (o *UpgradeOptions) CheckReviewedPlan(ctx context.Context, t *workflow.Target) error {
	if o.PlanFile == "" {
		return nil
	}
	content, err := os.ReadFile(o.PlanFile) // once: what is verified is what is read
	if err != nil {
		return fmt.Errorf("reading plan: %w", err)
	}
	if o.planKey != "" {
		by, err := verifyPlan(o.PlanFile, content, o.planKey)
		if err != nil {
			return term.WithCode(term.ExitCheckFailed, err)
		}
		o.Evidence.SignedBy = by
		term.PrintLine(o.Out, "Plan %s is signed by %s", term.SanitizeText(o.PlanFile), by)
	}
	want, err := workflow.ReadPlan(o.PlanFile, content)
	if err != nil {
		return err
	}
	o.approved = want
	if err := o.AdoptClaims(t, want); err != nil {
		return term.WithCode(term.ExitCheckFailed, term.WithHint(fmt.Errorf("comparing with plan %q: %w", o.PlanFile, err), anewHint))
	}
	if t.Plan.DiffersFrom(want) == "" {
		return nil
	}
	if want.Options.GitOps {
		return term.WithCode(term.ExitCheckFailed, fmt.Errorf("reading plan %q: this plan is applied by commits; see its README.md", o.PlanFile))
	}
	if err := o.CheckResumable(ctx, t, want); err != nil {
		return term.WithCode(term.ExitCheckFailed, term.WithHint(fmt.Errorf("comparing with plan %q: %w", o.PlanFile, err),
			"give it the flags that the plan was made with; "+anewHint))
	}
	term.PrintLine(o.Out, "Resuming plan %s", option.ShortDigest(want.Digest()))
	return nil
}

// printUnapproved names the findings of the checks that the reviewed plan's file
// does not have. What its file says of the checks decides nothing: they were made
// again just now.
func (o *UpgradeOptions) printUnapproved() {
	if o.approved == nil || len(o.Evidence.Before) == 0 {
		return
	}
	now := verdictOf(o.Evidence.Before[len(o.Evidence.Before)-1], nil)
	for _, f := range now.Unseen(o.approved.Preflight) {
		state := f.Status
		if f.Waived != "" {
			state = "waived"
		}
		term.PrintLine(o.Out, "! %s", option.WrapText(fmt.Sprintf("check %s (%s) is not among the findings that %s was reviewed with", f.Check, state, term.SanitizeText(o.PlanFile)), 76, "  "))
	}
}

// anewHint is what helps where a reviewed plan does not hold any more.
const anewHint = "helm aistor plan --out makes one for the present state, to be reviewed again"
