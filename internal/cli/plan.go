package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/diff"
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
		return writeRoles(o.Out, t.inputs)
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
		return o.print(o.Out, t.plan, func(w io.Writer) { printPlan(w, t.plan) })
	}
	d := diff.Of(t.plan, slices.Concat(t.inputs.Operator, t.inputs.Stores))
	return o.print(o.Out, d, func(w io.Writer) {
		printPlan(w, t.plan)
		printDiff(w, d)
	})
}

// write writes the plan down for review, with what the checks say of it now.
func (o *planOptions) write(ctx context.Context, t *target) error {
	b, err := o.judged(ctx, t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.out, b, 0o600); err != nil {
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
	b, err := yaml.Marshal(&written)
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
	report := preflight.Run(ctx, preflight.OfPhase(preflight.Before(), preflight.PhaseA), subject, opts)
	if err := interruption(ctx); err != nil {
		return nil, err
	}
	v := &plan.Verdict{Text: report.Verdict, OK: report.OK(), Acknowledged: subject.Acknowledged}
	for _, r := range report.Results {
		if r.Status != preflight.Pass && r.Status != preflight.Skip {
			v.Findings = append(v.Findings, plan.VerdictFinding{Check: r.ID, Status: string(r.Status), Message: plan.RedactText(r.Message), Waived: r.Waived})
		}
	}
	return v, nil
}

// printPlan writes a plan as people read it: what leads where, the steps with
// what they restart, and last what stands in the way.
func printPlan(w io.Writer, p *plan.Plan) {
	line(w, "Plan     %s", shortDigest(p.Digest()))
	if p.Cluster.Context != "" {
		line(w, "Cluster  %s, Kubernetes %s", printable(p.Cluster.Context), p.Cluster.Version)
	}
	if p.Bundle.Name != "" {
		line(w, "Bundle   %s (%s)", printable(p.Bundle.Name), shortDigest(p.Bundle.Digest))
	}
	line(w, "Registry %s, pull secret %s", printable(p.Registry.Registry), orDash(p.Registry.PullSecret))
	line(w, "")
	var rows [][]string
	for i, s := range p.Steps {
		rows = append(rows, []string{fmt.Sprint(i + 1), s.ID, s.Title})
	}
	writeTable(w, []string{"#", "STEP", "WHAT"}, rows)
	for _, s := range p.Steps {
		printStep(w, s)
	}
	line(w, "\n%d images, %d of them needed", len(p.Images), needed(p.Images))
	printNotices(w, "warning", p.Warnings)
	printNotices(w, "refused", p.Refusals)
	if len(p.Refusals) > 0 {
		line(w, "\nThis plan can't be carried out: %s above.", count(len(p.Refusals), "reason"))
	}
}

func printStep(w io.Writer, s plan.Step) {
	if len(s.Restarts)+len(s.Edits)+len(s.Objects) == 0 {
		return
	}
	line(w, "\n%s", s.ID)
	if s.Why != "" {
		line(w, "  why      %s", wrap(s.Why, 68, "           "))
	}
	if s.Risk != "" {
		line(w, "  risk     %s", wrap(s.Risk, 68, "           "))
	}
	for _, r := range s.Restarts {
		line(w, "  restarts %s", wrap(fmt.Sprintf("%d pods of %s, %s: %s", r.Pods, r.Store, r.How, r.Why), 68, "           "))
	}
	if len(s.Restarts) > 0 {
		line(w, "  takes    about %s", time.Duration(s.Estimate).Round(time.Minute))
	}
	for _, o := range s.Objects {
		line(w, "  deletes  %s", printable(o.String()))
	}
	for _, e := range s.Edits {
		line(w, "  values   %s: %s", printable(e.Path), printable(strings.TrimSpace(e.New)))
	}
}

// printNotices ends each with its ID in brackets, under which
// docs/troubleshooting.md says more.
func printNotices(w io.Writer, word string, list []plan.Notice) {
	for _, n := range list {
		line(w, "\n%s: %s", word, wrap(printable(n.Message)+" ["+n.ID+"]", 68, "         "))
		if n.Hint != "" {
			line(w, "   hint: %s", wrapHint(n.Hint))
		}
	}
}

// wrapHint breaks long sentences; commands of several lines keep their lines,
// because they are there to be pasted.
func wrapHint(hint string) string {
	if strings.Contains(hint, "\n") {
		return hint
	}
	return wrap(hint, 68, "         ")
}

func needed(list []plan.PlannedImage) int {
	n := 0
	for _, i := range list {
		if i.Needed() {
			n++
		}
	}
	return n
}
