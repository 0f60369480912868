package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/diff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// planOptions show what an upgrade would do.
type planOptions struct {
	targetOptions
	outputOptions
	out              string
	detailedExitcode bool
	diff             bool
	signKey          string
	signPassword     string
	gitops           gitopsOptions
	roles            roleOptions
	checks           checkOptions
}

func newPlan(p *Program, kube kubeOptions) *cobra.Command {
	o := &planOptions{targetOptions: newTargetOptions(p, kube), outputOptions: newOutputOptions(), checks: checkOptions{failOn: "fail"}}
	o.explain = true
	o.formats = append(o.formats, "roles")
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show the steps of an upgrade",
		Example: `  helm aistor plan --bundle aistor.bundle

  # Save the plan for review
  helm aistor plan --bundle aistor.bundle --out plan.yaml

  # Write the RBAC roles required to check and to upgrade
  helm aistor plan --bundle aistor.bundle -o roles > roles.yaml

  # Show the changes of each object
  helm aistor plan --bundle aistor.bundle --diff

  # Sign the plan; "upgrade --plan plan.yaml --plan-key minisign.pub"
  # runs exactly this plan
  helm aistor plan --bundle aistor.bundle --out plan.yaml --sign minisign.key

  # Write commits for Flux or Argo CD
  helm aistor plan --bundle aistor.bundle --gitops commits`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	kube.addFlags(cmd.Flags())
	o.targetOptions.addFlags(cmd.Flags())
	o.outputOptions.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.out, "out", "", "also write the plan as YAML to this file, with current check results")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "show what changes in each object, without secrets")
	cmd.Flags().StringVar(&o.signKey, "sign", "", "sign the --out file with this minisign secret key")
	cmd.Flags().StringVar(&o.signPassword, "sign-password-file", "", "file with the signing key's password, or - for standard input")
	o.gitops.addFlags(cmd.Flags())
	o.roles.addFlags(cmd.Flags())
	o.checks.addWaiverFlags(cmd.Flags())
	cmd.Flags().BoolVar(&o.detailedExitcode, "detailed-exitcode", false, "exit with code 2 if there are changes")
	return cmd
}

func (o *planOptions) run(ctx context.Context) error {
	if err := errors.Join(o.outputOptions.validate(), o.checks.validate()); err != nil {
		return err
	}
	if o.signKey != "" && o.out == "" {
		return withHint(errors.New("--sign requires --out"), "add --out FILE")
	}
	if err := o.gitops.validate(); err != nil {
		return err
	}
	subjects, err := o.roles.complete(o.format)
	if err != nil {
		return err
	}
	o.choices.GitOps = o.gitops.dir != ""
	t, err := o.loadTarget(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	if o.choices.GitOps {
		if err := o.writeCommits(ctx, t); err != nil {
			return err
		}
	}
	if o.out != "" {
		if err := o.writePlanFile(ctx, t); err != nil {
			return err
		}
	}
	if o.format == "roles" {
		return o.roles.write(o.Out, t.inputs, subjects)
	}
	if err := o.showPlan(t); err != nil {
		return err
	}
	switch {
	case len(t.plan.Refusals) > 0:
		return withoutMessage(ExitCheckFailed)
	case o.detailedExitcode && t.plan.HasChanges():
		return withoutMessage(ExitChanges)
	}
	return nil
}

// showPlan prints the plan, or the document with what changes in each object.
func (o *planOptions) showPlan(t *target) error {
	if !o.diff {
		return o.printDocument(o.Out, t.plan, func(w io.Writer) { printPlan(w, o.kube, t.plan) })
	}
	d := diff.ComparePlan(t.plan, slices.Concat(t.inputs.Operator, t.inputs.Stores), o.redactor())
	return o.printDocument(o.Out, d, func(w io.Writer) {
		printPlan(w, o.kube, t.plan)
		printDiff(w, d)
	})
}

// writePlanFile writes the plan down for review, with what the checks say of it now.
func (o *planOptions) writePlanFile(ctx context.Context, t *target) error {
	b, err := o.encodePlan(ctx, t)
	if err != nil {
		return err
	}
	if err := safefile.Write(o.out, b, 0o600); err != nil {
		return fmt.Errorf("writing plan: %w", err)
	}
	if o.signKey == "" {
		return nil
	}
	return o.signPlan(b)
}

// encodePlan encodes the plan with current check results.
func (o *planOptions) encodePlan(ctx context.Context, t *target) ([]byte, error) {
	written := *t.plan
	verdict, err := o.runPreflight(ctx, t)
	if err != nil {
		return nil, err
	}
	printLine(o.ErrOut, "preflight: %s", verdict.Text)
	written.Preflight = verdict
	b, err := message.YAML(&written)
	if err != nil {
		return nil, fmt.Errorf("writing plan: %w", err)
	}
	return b, nil
}

// runPreflight runs the checks that need no registry: the images may not exist
// before the upgrade pushes them.
func (o *planOptions) runPreflight(ctx context.Context, t *target) (*plan.PreflightSummary, error) {
	subject, err := o.planSubject(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := o.addResumeState(ctx, subject); err != nil {
		printLine(o.ErrOut, "warning: could not determine whether an upgrade was interrupted: %v", err)
	}
	opts, err := o.checks.buildOptions(t.site)
	if err != nil {
		return nil, err
	}
	subject.Acknowledged = o.checks.acknowledgedFor(t.site)
	subject.Bundle = signatureVerifier(t, o.Program, o.bundleFile, "", "")
	report := o.kube.runChecks(ctx, preflight.FilterByPhase(preflight.PreUpgradeChecks(), preflight.PhaseA), subject, opts)
	if err := interruptionError(ctx); err != nil {
		return nil, err
	}
	return verdictOf(report, subject.Acknowledged), nil
}

// verdictOf is what a plan's file keeps of a report.
func verdictOf(r *preflight.Report, acknowledged []string) *plan.PreflightSummary {
	v := &plan.PreflightSummary{Text: r.Verdict, OK: r.OK(), Acknowledged: acknowledged}
	for _, one := range r.Results {
		if one.Status != preflight.Pass && one.Status != preflight.Skip {
			v.Findings = append(v.Findings, plan.PreflightFinding{Check: one.ID, Status: string(one.Status), Message: redact.Text(one.Message), Waived: one.Waived})
		}
	}
	return v
}
