package verb

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// rollbackOptions take releases back to revisions that Helm still keeps.
type rollbackOptions struct {
	workflow.RunOptions
	targets    []string
	storesOnly bool
}

// NewRollback is the command rollback, which takes releases back.
func NewRollback(p *term.Program, kube option.Kube) *cobra.Command {
	o := &rollbackOptions{RunOptions: workflow.NewRunOptions(p, kube)}
	o.Choices.Push = "never" // what ran before is in the registry, or it cannot run again
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Roll back operator and object stores to their state before the upgrade",
		Long: "Roll back what the last upgrade changed in reverse order: object stores first,\n" +
			"then the operator. Uses Helm revisions, so that helm history shows what\n" +
			"was done. Changes that would lose data are refused. If interrupted, rerun the same\n" +
			"command to resume.\n\n" +
			"The vendor does not support server downgrades: accept each object store\n" +
			"with --accept-risk.",
		Example: `  # Preview
  helm aistor rollback --dry-run

  # Roll back the last upgrade
  helm aistor rollback --accept-risk team-a/primary --accept-risk team-b/logs

  # Roll back one store, also to a specific revision
  helm aistor rollback --object-store team-a/primary --accept-risk team-a/primary
  helm aistor rollback --to team-a/primary=3 --accept-risk team-a/primary`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	kube.AddFlags(fs)
	o.Registry.AddFlags(fs)
	o.Mirror.AddFlags(fs)
	o.Site.AddFlags(fs, "site", "site file; flags take precedence")
	fs.StringArrayVar(&o.targets, "to", nil, "target revision, as NAMESPACE/RELEASE=REVISION; other releases are unchanged (can be repeated; default: the revisions before the last upgrade)")
	fs.StringArrayVar(&o.Stores, "object-store", nil, "roll back only this object store, as NAMESPACE/NAME (can be repeated)")
	fs.BoolVar(&o.OperatorOnly, "operator-only", false, "do not change object store releases")
	fs.BoolVar(&o.storesOnly, "stores-only", false, "do not change the operator release")
	fs.StringArrayVar(&o.Choices.AcceptRisk, "accept-risk", nil, "accept the rollback of this object store, as NAMESPACE/NAME (can be repeated)")
	o.AddAcceptFlags(fs)
	o.RunOptions.AddFlags(fs)
	return cmd
}

func (o *rollbackOptions) run(ctx context.Context) error {
	if o.Checks.List {
		display.PrintChecks(o.Out, preflight.PreUpgradeChecks())
		return nil
	}
	if err := o.validate(); err != nil {
		return err
	}
	if err := o.Reports.Validate(); err != nil {
		return err
	}
	if err := o.Endpoints.ResolveEndpoints(o.Program, &o.Registry); err != nil {
		return err
	}
	t, unfinished, err := o.loadRollback(ctx)
	if err != nil {
		return err
	}
	if err := term.InterruptionError(ctx); err != nil {
		return err
	}
	if err := o.OpenLog(t); err != nil {
		return err
	}
	return o.WriteEvidence(ctx, t, o.runApproved(ctx, t, unfinished))
}

// runApproved runs the checks and, once approved, the plan.
func (o *rollbackOptions) runApproved(ctx context.Context, t *workflow.Target, unfinished bool) error {
	if !t.Plan.HasChanges() && !unfinished {
		term.PrintLine(o.Out, "Nothing to roll back: every release is at its revision before the last upgrade.")
		return nil
	}
	display.PrintPlan(o.Out, o.Kube, t.Plan)
	if t.Plan.RefusalError() != nil {
		return term.WithoutMessage(term.ExitCheckFailed)
	}
	if err := workflow.VerifyEndpoints(ctx, o.Program, &o.Endpoints, t); err != nil {
		return err
	}
	subject, err := o.PlanSubject(ctx, t)
	if err != nil {
		return err
	}
	if err := o.AddResumeState(ctx, subject); err != nil {
		return err
	}
	if err := o.RunPhaseChecks(ctx, t, subject, preflight.PhaseA); err != nil {
		return err
	}
	if o.DryRun {
		term.PrintLine(o.Out, "\nDry run: nothing was changed.")
		return nil
	}
	if err := o.AskConfirmation(ctx, t.Plan); err != nil {
		return err
	}
	return o.ExecutePlan(ctx, t, subject)
}

func (o *rollbackOptions) validate() error {
	chosen := 0
	for _, c := range []bool{o.OperatorOnly, o.storesOnly, len(o.Stores) > 0, len(o.targets) > 0} {
		if c {
			chosen++
		}
	}
	if chosen > 1 {
		return errors.New("--operator-only, --stores-only, --object-store and --to are mutually exclusive")
	}
	return o.ValidateAccepted()
}

// loadRollback reads cluster, history and journals and makes the plan. It changes
// nothing. unfinished says that an earlier run, in either direction, did not
// reach its end.
func (o *rollbackOptions) loadRollback(ctx context.Context) (t *workflow.Target, unfinished bool, err error) {
	t = &workflow.Target{}
	if t.Site, err = o.Site.ReadSite(o.Program); err != nil {
		return nil, false, err
	}
	registry, err := o.DiscoverCluster(ctx, t)
	if err != nil {
		return nil, false, err
	}
	if t.Inputs.Facts.Operator == nil {
		return nil, false, planinput.NewNoOperatorError(t.Inputs.Facts)
	}
	for _, key := range o.Stores {
		if _, err := planinput.FindRelease(t.Inputs.Facts, aistor.RoleObjectStore, key); err != nil {
			return nil, false, err
		}
	}
	req, unfinished, err := o.findRollbackTargets(ctx, t, registry)
	if err != nil {
		return nil, false, err
	}
	if t.Inputs, err = planinput.GatherRollback(req); err != nil {
		return nil, false, err
	}
	if err := t.Cluster.AddStoreSecrets(ctx, t.Inputs.Facts, t.Inputs.CredentialSecrets()); err != nil {
		return nil, false, err
	}
	t.Plan, err = plan.Build(t.Inputs)
	return t, unfinished, err
}
