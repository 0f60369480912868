package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// rollbackOptions take releases back to revisions that Helm still keeps.
type rollbackOptions struct {
	runOptions
	targets    []string
	storesOnly bool
}

func newRollback(p *Program, kube kubeOptions) *cobra.Command {
	o := &rollbackOptions{runOptions: newRunOptions(p, kube)}
	o.choices.Push = "never" // what ran before is in the registry, or it cannot run again
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
	kube.addFlags(fs)
	o.registryOptions.addFlags(fs)
	o.mirrorOptions.addFlags(fs)
	o.site.addFlags(fs, "site", "site file; flags take precedence")
	fs.StringArrayVar(&o.targets, "to", nil, "target revision, as NAMESPACE/RELEASE=REVISION; other releases are unchanged (can be repeated; default: the revisions before the last upgrade)")
	fs.StringArrayVar(&o.stores, "object-store", nil, "roll back only this object store, as NAMESPACE/NAME (can be repeated)")
	fs.BoolVar(&o.operatorOnly, "operator-only", false, "do not change object store releases")
	fs.BoolVar(&o.storesOnly, "stores-only", false, "do not change the operator release")
	fs.StringArrayVar(&o.choices.AcceptRisk, "accept-risk", nil, "accept the rollback of this object store, as NAMESPACE/NAME (can be repeated)")
	o.addAcceptFlags(fs)
	o.runOptions.addFlags(fs)
	return cmd
}

func (o *rollbackOptions) run(ctx context.Context) error {
	if o.checks.list {
		printChecks(o.Out, preflight.PreUpgradeChecks())
		return nil
	}
	if err := o.validate(); err != nil {
		return err
	}
	if err := o.reports.validate(); err != nil {
		return err
	}
	if err := o.endpoints.resolveEndpoints(o.Program, &o.registryOptions); err != nil {
		return err
	}
	t, unfinished, err := o.loadRollback(ctx)
	if err != nil {
		return err
	}
	if err := interruptionError(ctx); err != nil {
		return err
	}
	if err := o.openLog(t); err != nil {
		return err
	}
	return o.writeEvidence(ctx, t, o.runApproved(ctx, t, unfinished))
}

// runApproved runs the checks and, once approved, the plan.
func (o *rollbackOptions) runApproved(ctx context.Context, t *target, unfinished bool) error {
	if !t.plan.HasChanges() && !unfinished {
		printLine(o.Out, "Nothing to roll back: every release is at its revision before the last upgrade.")
		return nil
	}
	printPlan(o.Out, o.kube, t.plan)
	if t.plan.RefusalError() != nil {
		return withoutMessage(ExitCheckFailed)
	}
	if err := verifyEndpoints(ctx, o.Program, &o.endpoints, t); err != nil {
		return err
	}
	subject, err := o.planSubject(ctx, t)
	if err != nil {
		return err
	}
	if err := o.addResumeState(ctx, subject); err != nil {
		return err
	}
	if err := o.runPhaseChecks(ctx, t, subject, preflight.PhaseA); err != nil {
		return err
	}
	if o.dryRun {
		printLine(o.Out, "\nDry run: nothing was changed.")
		return nil
	}
	if err := o.askConfirmation(ctx, t.plan); err != nil {
		return err
	}
	return o.executePlan(ctx, t, subject)
}

func (o *rollbackOptions) validate() error {
	chosen := 0
	for _, c := range []bool{o.operatorOnly, o.storesOnly, len(o.stores) > 0, len(o.targets) > 0} {
		if c {
			chosen++
		}
	}
	if chosen > 1 {
		return errors.New("--operator-only, --stores-only, --object-store and --to are mutually exclusive")
	}
	return o.validateAccepted()
}

// loadRollback reads cluster, history and journals and makes the plan. It changes
// nothing. unfinished says that an earlier run, in either direction, did not
// reach its end.
func (o *rollbackOptions) loadRollback(ctx context.Context) (t *target, unfinished bool, err error) {
	t = &target{}
	if t.site, err = o.site.readSite(o.Program); err != nil {
		return nil, false, err
	}
	registry, err := o.discoverCluster(ctx, t)
	if err != nil {
		return nil, false, err
	}
	if t.inputs.Facts.Operator == nil {
		return nil, false, planinput.NewNoOperatorError(t.inputs.Facts)
	}
	for _, key := range o.stores {
		if _, err := planinput.FindRelease(t.inputs.Facts, aistor.RoleObjectStore, key); err != nil {
			return nil, false, err
		}
	}
	req, unfinished, err := o.findRollbackTargets(ctx, t, registry)
	if err != nil {
		return nil, false, err
	}
	if t.inputs, err = planinput.GatherRollback(req); err != nil {
		return nil, false, err
	}
	if err := t.cluster.AddStoreSecrets(ctx, t.inputs.Facts, t.inputs.CredentialSecrets()); err != nil {
		return nil, false, err
	}
	t.plan, err = plan.Build(t.inputs)
	return t, unfinished, err
}
