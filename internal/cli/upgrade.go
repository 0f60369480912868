package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// upgradeOptions carry an upgrade out.
type upgradeOptions struct {
	targetOptions
	checks    checkOptions
	yes       bool
	dryRun    bool
	overwrite bool
	backupDir string
	timeout   time.Duration
	settle    time.Duration
	deadline  time.Duration
	stopAfter string
	planFile  string
}

func newUpgrade(p *Program, kube kubeOptions) *cobra.Command {
	o := &upgradeOptions{targetOptions: newTargetOptions(p, kube), backupDir: "aistor-upgrade-backup", timeout: 10 * time.Minute}
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Push, upgrade operator and object stores in order, and validate",
		Long: "Do the whole upgrade: plan it, check it, back up, push what is missing, check the\n" +
			"registry, upgrade the operator chart, then each object store, and validate.\n" +
			"Interrupted at any moment, the same command goes on.",
		Example: `  helm aistor upgrade --bundle aistor.bundle

  # What would be done?
  helm aistor upgrade --bundle aistor.bundle --dry-run

  # The registry's owner pushed already; park after the operator
  helm aistor upgrade --bundle aistor.bundle --push never --stop-after operator-5.10.0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	kube.addFlags(fs)
	o.targetOptions.addFlags(fs)
	o.checks.addJudgeFlags(fs)
	fs.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	fs.BoolVar(&o.dryRun, "dry-run", false, "plan and check only; nothing is pushed or changed")
	fs.BoolVar(&o.overwrite, "overwrite-tag", false, "move tags in the registry that point elsewhere")
	fs.StringVar(&o.backupDir, "backup-dir", o.backupDir, "folder for backups")
	fs.DurationVar(&o.timeout, "timeout", o.timeout, "how long a step may stand still")
	fs.DurationVar(&o.settle, "settle", 0, "how long stores must stay quiet after the operator's upgrade (default 5s)")
	fs.DurationVar(&o.deadline, "deadline", 0, "start no step that would not end within this time, such as 2h (default: none)")
	fs.StringVar(&o.planFile, "plan", "", "plan that was reviewed: only exactly this one is carried out")
	fs.StringVar(&o.stopAfter, "stop-after", "", "park after this step of the plan")
	return cmd
}

func (o *upgradeOptions) run(ctx context.Context) error {
	if o.checks.list {
		printChecks(o.Out, preflight.Before())
		return nil
	}
	t, err := o.load(ctx)
	if err != nil {
		return err
	}
	defer t.close()
	if err := interruption(ctx); err != nil {
		return err
	}
	if err := o.reviewed(t.plan); err != nil {
		return err
	}
	printPlan(o.Out, t.plan)
	if err := t.plan.Refused(); err != nil {
		return &silentError{ExitCheckFailed}
	}
	subject, err := o.subjectOf(ctx, t)
	if err != nil {
		return err
	}
	if err := o.resuming(ctx, subject); err != nil {
		line(o.Out, "! earlier upgrades could not be looked at: %s", printable(err.Error()))
	}
	if err := o.check(ctx, t, subject, preflight.PhaseA); err != nil {
		return err
	}
	if o.dryRun {
		line(o.Out, "\nDry run: nothing was pushed or changed.")
		return nil
	}
	if err := o.confirm(ctx); err != nil {
		return err
	}
	return o.execute(ctx, t, subject)
}

// reviewed refuses a plan that is not the one in --plan, and says where they
// part.
func (o *upgradeOptions) reviewed(p *plan.Plan) error {
	if o.planFile == "" {
		return nil
	}
	want, err := readPlan(o.planFile)
	if err != nil || want.Digest() == p.Digest() {
		return err
	}
	what := "something beside its steps"
	for i, s := range p.Steps {
		if i >= len(want.Steps) || !reflect.DeepEqual(asData(want.Steps[i]), asData(s)) {
			what = "step " + s.ID
			break
		}
	}
	return withCode(ExitCheckFailed, withHint(
		fmt.Errorf("comparing with plan %q: it was made for another state, %s differs", o.planFile, what),
		"helm aistor plan --out makes one for the present state; have it reviewed again"))
}

// check runs the checks of one phase, shows what stands out, and stops the
// upgrade where one failed. Nothing was changed by then.
func (o *upgradeOptions) check(ctx context.Context, t *target, s *preflight.Subject, phase preflight.Phase) error {
	opts, err := o.checks.options(t.site)
	if err != nil {
		return err
	}
	var checks []preflight.Check
	for _, c := range preflight.Before() {
		if c.Phase == phase {
			checks = append(checks, c)
		}
	}
	report := preflight.Run(ctx, checks, s, opts)
	if err := interruption(ctx); err != nil {
		return err
	}
	printFindings(o.Out, report, "plan") // what the plan says stands above
	line(o.Out, "preflight: %s", report.Verdict)
	if report.OK() {
		return nil
	}
	return withCode(ExitCheckFailed, withHint(errors.New("checking before the upgrade: see above"),
		"mend what is named, or accept a finding with --waive ID=REASON"))
}

// confirm asks a person, or wants --yes where there is none.
func (o *upgradeOptions) confirm(ctx context.Context) error {
	if o.yes {
		return nil
	}
	if !o.interactive() {
		return withHint(errors.New("asking for confirmation: standard input is no terminal"), "--yes goes on without asking")
	}
	fmt.Fprint(o.ErrOut, "\nCarry this plan out? [y/N] ")
	answer := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(o.In).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(text))
	}()
	select {
	case <-ctx.Done():
		return interruption(ctx)
	case a := <-answer:
		if a == "y" || a == "yes" {
			return nil
		}
	}
	return errors.New("nothing was changed")
}
