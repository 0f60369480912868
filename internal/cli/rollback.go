package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/inputs"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// rollbackOptions take releases back to revisions that Helm still keeps.
type rollbackOptions struct {
	runOptions
	to         []string
	storesOnly bool
}

func newRollback(p *Program, kube kubeOptions) *cobra.Command {
	o := &rollbackOptions{runOptions: newRunOptions(p, kube)}
	o.choices.Push = "never" // what ran before is in the registry, or it can't run again
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Take operator and object stores back to what they were before the upgrade",
		Long: "Take back what the last upgrade changed, in the reverse order: object stores first,\n" +
			"then the operator. Helm's own revisions are used, so that helm history shows what\n" +
			"was done. What would lose data is refused. Interrupted at any moment, the same\n" +
			"command goes on.\n\n" +
			"The vendor promises for no object store that it works after going back: each one\n" +
			"has to be accepted with --accept-risk.",
		Example: `  # What would be done?
  helm aistor rollback --dry-run

  # Everything that the last upgrade changed
  helm aistor rollback --accept-risk team-a/primary --accept-risk team-b/logs

  # One store, and to a revision that helm history shows
  helm aistor rollback --object-store team-a/primary --accept-risk team-a/primary
  helm aistor rollback --to team-a/primary=3 --accept-risk team-a/primary`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	kube.addFlags(fs)
	o.registryOptions.addFlags(fs)
	o.mirrorOptions.addFlags(fs)
	o.site.addFlags(fs, "site", "site file; flags win over it")
	fs.StringArrayVar(&o.to, "to", nil, "revision of a release, as NAMESPACE/RELEASE=REVISION; other releases stay (can be repeated; default: what was there before the last upgrade)")
	fs.StringArrayVar(&o.stores, "object-store", nil, "take back only this store, as NAMESPACE/NAME (can be repeated)")
	fs.BoolVar(&o.operatorOnly, "operator-only", false, "leave the object store charts as they are")
	fs.BoolVar(&o.storesOnly, "stores-only", false, "leave the operator's chart as it is")
	fs.StringArrayVar(&o.choices.AcceptRisk, "accept-risk", nil, "accept that this store goes back, as NAMESPACE/NAME (can be repeated)")
	o.addAcceptFlags(fs)
	o.runOptions.addFlags(fs)
	return cmd
}

func (o *rollbackOptions) run(ctx context.Context) error {
	if o.checks.list {
		printChecks(o.Out, preflight.Before())
		return nil
	}
	if err := o.validate(); err != nil {
		return err
	}
	if err := o.reports.validate(); err != nil {
		return err
	}
	if err := o.endpoints.resolve(o.Program, &o.registryOptions); err != nil {
		return err
	}
	t, unfinished, err := o.load(ctx)
	if err != nil {
		return err
	}
	if err := interruption(ctx); err != nil {
		return err
	}
	if err := o.begin(t); err != nil {
		return err
	}
	return o.finish(ctx, t, o.carry(ctx, t, unfinished))
}

// carry goes from the plan to its end.
func (o *rollbackOptions) carry(ctx context.Context, t *target, unfinished bool) error {
	if !t.plan.Changes() && !unfinished {
		line(o.Out, "Nothing to take back: every release is as it was before the last upgrade.")
		return nil
	}
	printPlan(o.Out, o.kube, t.plan)
	if t.plan.Refused() != nil {
		return &silentError{ExitCheckFailed}
	}
	if err := o.endpoints.heard(ctx, o.Program, t); err != nil {
		return err
	}
	subject, err := o.subjectOf(ctx, t)
	if err != nil {
		return err
	}
	if err := o.resuming(ctx, subject); err != nil {
		return err
	}
	if err := o.check(ctx, t, subject, preflight.PhaseA); err != nil {
		return err
	}
	if o.dryRun {
		line(o.Out, "\nDry run: nothing was changed.")
		return nil
	}
	if err := o.confirm(ctx, t.plan); err != nil {
		return err
	}
	return o.execute(ctx, t, subject)
}

func (o *rollbackOptions) validate() error {
	chosen := 0
	for _, c := range []bool{o.operatorOnly, o.storesOnly, len(o.stores) > 0, len(o.to) > 0} {
		if c {
			chosen++
		}
	}
	if chosen > 1 {
		return errors.New("reading --operator-only, --stores-only, --object-store and --to: only one of them can be meant")
	}
	return o.validateAccepted()
}

// load looks at cluster, history and journals and makes the plan. It changes
// nothing. unfinished says that an earlier run, in either direction, did not
// reach its end.
func (o *rollbackOptions) load(ctx context.Context) (t *target, unfinished bool, err error) {
	t = &target{}
	if t.site, err = o.site.read(o.Program); err != nil {
		return nil, false, err
	}
	registry, err := o.surroundings(ctx, t)
	if err != nil {
		return nil, false, err
	}
	if t.inputs.Facts.Operator == nil {
		return nil, false, inputs.NoOperator(t.inputs.Facts)
	}
	for _, key := range o.stores {
		if _, err := inputs.FindRelease(t.inputs.Facts, aistor.RoleObjectStore, key); err != nil {
			return nil, false, err
		}
	}
	req, unfinished, err := o.wayBack(ctx, t, registry)
	if err != nil {
		return nil, false, err
	}
	if t.inputs, err = inputs.GatherBack(req); err != nil {
		return nil, false, err
	}
	if err := t.cluster.AddStoreSecrets(ctx, t.inputs.Facts, t.inputs.CredentialSecrets()); err != nil {
		return nil, false, err
	}
	t.plan, err = plan.Build(t.inputs)
	return t, unfinished, err
}
