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
		Short: "Show what an upgrade would do, step by step",
		Example: `  helm aistor plan --bundle aistor.bundle

  # To review, and to apply days later
  helm aistor plan --bundle aistor.bundle --out plan.yaml

  # Roles that allow to look, and to upgrade, and nothing else
  helm aistor plan --bundle aistor.bundle -o roles > roles.yaml

  # What changes in each object
  helm aistor plan --bundle aistor.bundle --diff

  # Reviewed and signed: upgrade --plan plan.yaml --plan-key minisign.pub
  # carries out nothing else
  helm aistor plan --bundle aistor.bundle --out plan.yaml --sign minisign.key

  # Flux or Argo CD carries it out: the commits, in order
  helm aistor plan --bundle aistor.bundle --gitops commits`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	kube.addFlags(cmd.Flags())
	o.targetOptions.addFlags(cmd.Flags())
	o.outputOptions.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.out, "out", "", "also write the plan as YAML to this file, with what the checks say now")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "show what changes in each object, without secrets")
	cmd.Flags().StringVar(&o.signKey, "sign", "", "sign the file of --out with this minisign secret key")
	cmd.Flags().StringVar(&o.signPassword, "sign-password-file", "", "file with the signing key's password, or - for standard input")
	o.gitops.addFlags(cmd.Flags())
	o.roles.addFlags(cmd.Flags())
	o.checks.addWaive(cmd.Flags())
	cmd.Flags().BoolVar(&o.detailedExitcode, "detailed-exitcode", false, "exit 2 where something would change")
	return cmd
}

func (o *planOptions) run(ctx context.Context) error {
	if err := errors.Join(o.outputOptions.validate(), o.checks.validate()); err != nil {
		return err
	}
	if o.signKey != "" && o.out == "" {
		return withHint(errors.New("reading --sign: there is no file to sign"), "name it with --out FILE")
	}
	if err := o.gitops.validate(); err != nil {
		return err
	}
	subjects, err := o.roles.complete(o.format)
	if err != nil {
		return err
	}
	o.choices.GitOps = o.gitops.dir != ""
	t, err := o.load(ctx)
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
		if err := o.write(ctx, t); err != nil {
			return err
		}
	}
	if o.format == "roles" {
		return o.roles.write(o.Out, t.inputs, subjects)
	}
	if err := o.show(t); err != nil {
		return err
	}
	switch {
	case len(t.plan.Refusals) > 0:
		return &silentError{ExitCheckFailed}
	case o.detailedExitcode && t.plan.Changes():
		return &silentError{ExitChanges}
	}
	return nil
}

// show prints the plan, or the document with what changes in each object.
func (o *planOptions) show(t *target) error {
	if !o.diff {
		return o.print(o.Out, t.plan, func(w io.Writer) { printPlan(w, o.kube, t.plan) })
	}
	d := diff.Of(t.plan, slices.Concat(t.inputs.Operator, t.inputs.Stores), o.redactor())
	return o.print(o.Out, d, func(w io.Writer) {
		printPlan(w, o.kube, t.plan)
		printDiff(w, d)
	})
}

// write writes the plan down for review, with what the checks say of it now.
func (o *planOptions) write(ctx context.Context, t *target) error {
	b, err := o.judged(ctx, t)
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

// judged is the plan's file, with what the checks say of it now.
func (o *planOptions) judged(ctx context.Context, t *target) ([]byte, error) {
	written := *t.plan
	verdict, err := o.judge(ctx, t)
	if err != nil {
		return nil, err
	}
	line(o.ErrOut, "preflight: %s", verdict.Text)
	written.Preflight = verdict
	b, err := message.YAML(&written)
	if err != nil {
		return nil, fmt.Errorf("writing plan: %w", err)
	}
	return b, nil
}

// judge makes the checks that need no registry: the images may not be there
// before the upgrade pushes them.
func (o *planOptions) judge(ctx context.Context, t *target) (*plan.Verdict, error) {
	subject, err := o.subjectOf(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := o.resuming(ctx, subject); err != nil {
		line(o.ErrOut, "warning: whether an upgrade was interrupted is not known: %v", err)
	}
	opts, err := o.checks.options(t.site)
	if err != nil {
		return nil, err
	}
	subject.Acknowledged = o.checks.acknowledgedFor(t.site)
	subject.Bundle = proofAsRead(t, o.Program, o.bundleFile, "", "")
	report := o.kube.check(ctx, preflight.OfPhase(preflight.Before(), preflight.PhaseA), subject, opts)
	if err := interruption(ctx); err != nil {
		return nil, err
	}
	return verdictOf(report, subject.Acknowledged), nil
}

// verdictOf is what a plan's file keeps of a report.
func verdictOf(r *preflight.Report, acknowledged []string) *plan.Verdict {
	v := &plan.Verdict{Text: r.Verdict, OK: r.OK(), Acknowledged: acknowledged}
	for _, one := range r.Results {
		if one.Status != preflight.Pass && one.Status != preflight.Skip {
			v.Findings = append(v.Findings, plan.VerdictFinding{Check: one.ID, Status: string(one.Status), Message: redact.Text(one.Message), Waived: one.Waived})
		}
	}
	return v
}
