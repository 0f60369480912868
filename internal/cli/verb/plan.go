package verb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/diff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// planOptions show what an upgrade would do.
type planOptions struct {
	workflow.TargetOptions
	option.Output
	out              string
	detailedExitcode bool
	diff             bool
	signKey          string
	signPassword     string
	gitops           gitopsOptions
	roles            roleOptions
	checks           option.Checks
}

// NewPlan is the command plan, which shows the steps of an upgrade.
func NewPlan(p *term.Program, kube option.Kube) *cobra.Command {
	o := &planOptions{TargetOptions: workflow.NewTargetOptions(p, kube), Output: option.NewOutput(), checks: option.Checks{FailOn: "fail"}}
	o.Explain = true
	o.Formats = append(o.Formats, "roles")
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
	kube.AddFlags(cmd.Flags())
	o.TargetOptions.AddFlags(cmd.Flags())
	o.Output.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.out, "out", "", "also write the plan as YAML to this file, with current check results")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "show what changes in each object, without secrets")
	cmd.Flags().StringVar(&o.signKey, "sign", "", "sign the --out file with this minisign secret key")
	cmd.Flags().StringVar(&o.signPassword, "sign-password-file", "", "file with the signing key's password, or - for standard input")
	o.gitops.addFlags(cmd.Flags())
	o.roles.addFlags(cmd.Flags())
	o.checks.AddWaiveFlag(cmd.Flags())
	o.checks.AddAcknowledgeFlag(cmd.Flags())
	cmd.Flags().BoolVar(&o.detailedExitcode, "detailed-exitcode", false, "exit with code 2 if there are changes")
	return cmd
}

func (o *planOptions) run(ctx context.Context) error {
	if err := errors.Join(o.Output.Validate(), o.checks.Validate()); err != nil {
		return err
	}
	if o.signKey != "" && o.out == "" {
		return term.WithHint(errors.New("--sign requires --out"), "add --out FILE")
	}
	if err := o.gitops.validate(); err != nil {
		return err
	}
	subjects, err := o.roles.complete(o.Format)
	if err != nil {
		return err
	}
	o.Choices.GitOps = o.gitops.dir != ""
	t, err := o.LoadTarget(ctx)
	if err != nil {
		return err
	}
	defer t.Close()
	if o.Choices.GitOps {
		if err := o.writeCommits(ctx, t); err != nil {
			return err
		}
	}
	if o.out != "" {
		if err := o.writePlanFile(ctx, t); err != nil {
			return err
		}
	}
	if o.Format == "roles" {
		return o.roles.write(o.Out, t.Inputs, subjects)
	}
	if err := o.showPlan(t); err != nil {
		return err
	}
	switch {
	case len(t.Plan.Refusals) > 0:
		return term.WithoutMessage(term.ExitCheckFailed)
	case o.detailedExitcode && t.Plan.HasChanges():
		return term.WithoutMessage(term.ExitChanges)
	}
	return nil
}

// showPlan prints the plan, or the document with what changes in each object.
func (o *planOptions) showPlan(t *workflow.Target) error {
	if !o.diff {
		return o.PrintDocument(o.Out, t.Plan, func(w io.Writer) { display.PrintPlan(w, o.Kube, t.Plan) })
	}
	d := diff.ComparePlan(t.Plan, slices.Concat(t.Inputs.Operator, t.Inputs.Stores), o.Redactor())
	return o.PrintDocument(o.Out, d, func(w io.Writer) {
		display.PrintPlan(w, o.Kube, t.Plan)
		display.PrintDiff(w, d)
	})
}

// writePlanFile writes the plan down for review, with what the checks say of it now.
func (o *planOptions) writePlanFile(ctx context.Context, t *workflow.Target) error {
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
func (o *planOptions) encodePlan(ctx context.Context, t *workflow.Target) ([]byte, error) {
	written := *t.Plan
	verdict, err := o.runPreflight(ctx, t)
	if err != nil {
		return nil, err
	}
	term.PrintLine(o.ErrOut, "preflight: %s", verdict.Text)
	written.Preflight = verdict
	b, err := message.YAML(&written)
	if err != nil {
		return nil, fmt.Errorf("writing plan: %w", err)
	}
	return b, nil
}

// runPreflight runs the checks that need no registry: the images may not exist
// before the upgrade pushes them.
func (o *planOptions) runPreflight(ctx context.Context, t *workflow.Target) (*plan.PreflightSummary, error) {
	subject, err := o.PlanSubject(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := o.AddResumeState(ctx, subject); err != nil {
		term.PrintLine(o.ErrOut, "warning: could not determine whether an upgrade was interrupted: %v", err)
	}
	opts, err := o.checks.BuildOptions(t.Site)
	if err != nil {
		return nil, err
	}
	subject.Acknowledged = o.checks.AcknowledgedFor(t.Site)
	subject.Bundle = workflow.SignatureVerifier(t, o.Program, o.BundleFile, "", "")
	report := o.Kube.RunChecks(ctx, preflight.FilterByPhase(preflight.PreUpgradeChecks(), preflight.PhaseA), subject, opts)
	if err := term.InterruptionError(ctx); err != nil {
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
