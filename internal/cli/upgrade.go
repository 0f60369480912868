package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
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

func (o *upgradeOptions) execute(ctx context.Context, t *target, s *preflight.Subject) error {
	deps, err := o.deps(t)
	if err != nil {
		return err
	}
	opts := o.executorOptions(ctx, t, s)
	outcome, err := upgrade.New(t.plan, &t.inputs, deps, opts).Run(ctx)
	if outcome != nil {
		printOutcome(o.Out, outcome)
	}
	return upgradeError(err)
}

func (o *upgradeOptions) deps(t *target) (upgrade.Deps, error) {
	config, err := o.kube.ToRESTConfig()
	if err != nil {
		return upgrade.Deps{}, fmt.Errorf("reading kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return upgrade.Deps{}, fmt.Errorf("connecting to the cluster: %w", err)
	}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return upgrade.Deps{}, fmt.Errorf("connecting to the cluster: %w", err)
	}
	return upgrade.Deps{
		Helm:    helmAdapter{client: chart.NewClient(o.kube, nil), charts: t.charts},
		Cluster: clusterAdapter{client: t.cluster, scope: o.scope(t, nil)},
		Client:  client, Objects: upgrade.NewObjects(dyn),
		Prober: healthProber{client: t.cluster, facts: t.inputs.Facts},
	}, nil
}

func (o *upgradeOptions) executorOptions(ctx context.Context, t *target, s *preflight.Subject) upgrade.Options {
	show := newEventPrinter(o.Program)
	opts := upgrade.Options{
		StopAfter: o.stopAfter, Timeout: o.timeout, Settle: o.settle, BackupDir: o.backupDir,
		Holder: holder(), HolderGone: holderGone, Identity: t.inputs.Facts.User, Tool: "aistor-upgrade " + o.Version,
		Command: o.command(), OnEvent: show.event, Now: o.Now,
		MaxHistory: o.maxHistory(),
		Preflight:  func(ctx context.Context) error { return o.check(ctx, t, s, preflight.PhaseB) },
		Validate:   func(ctx context.Context) (string, error) { return o.validate(ctx, t, s) },
	}
	if o.deadline > 0 {
		opts.Deadline = o.Now().Add(o.deadline)
	}
	if o.choices.Push != "never" {
		opts.Push = func(ctx context.Context) error { return o.push(ctx, t) }
	}
	return opts
}

func (o *upgradeOptions) push(ctx context.Context, t *target) error {
	client, err := o.client(o.Program, t.plan.Registry.MapPushHost())
	if err != nil {
		return err
	}
	events, end := o.progress("pushing")
	receipt, err := images.Push(ctx, t.bundle.Source(), client, t.plan.Registry.Mirror, images.PushOptions{
		Concurrency: o.concurrency, Progress: events, OverwriteTags: o.overwrite,
		ChartsPath: chartsPathOf(t.bundle),
	})
	end()
	if err != nil {
		return err
	}
	if receipt.Pushed() == 0 {
		line(o.Out, "everything is in the registry already")
		return nil
	}
	line(o.Out, "pushed %d of %d, %s", receipt.Pushed(), len(receipt.Artifacts), bytesText(receipt.Sent()))
	return nil
}

// validate looks anew and runs the checks that prove the outcome.
func (o *upgradeOptions) validate(ctx context.Context, t *target, before *preflight.Subject) (string, error) {
	facts, err := t.cluster.Facts(ctx, o.scope(t, nil))
	if ended := interruption(ctx); ended != nil {
		return "", ended
	}
	if err != nil {
		return "", err
	}
	after := *before
	after.Facts, after.Since, after.Now = facts, before.Now, o.Now()
	opts, err := o.checks.options(t.site)
	if err != nil {
		return "", err
	}
	report := preflight.Run(ctx, preflight.After(), &after, opts)
	if err := interruption(ctx); err != nil {
		return "", err
	}
	for _, r := range report.Results {
		printResult(o.Out, r)
	}
	printImages(o.Out, facts)
	printReport(o.Out, report)
	if !report.OK() {
		return report.Verdict, withCode(ExitCheckFailed, fmt.Errorf("validating: %s", report.Verdict))
	}
	return report.Verdict, nil
}

// maxHistory is the number of revisions Helm keeps: what the user set for Helm,
// else Helm's own default.
func (o *upgradeOptions) maxHistory() int {
	if n, err := strconv.Atoi(o.Getenv("HELM_MAX_HISTORY")); err == nil {
		return n
	}
	return 10
}

// command is what to type to go on. Secrets are never among the arguments.
func (o *upgradeOptions) command() string {
	words := make([]string, len(o.Args))
	for i, a := range o.Args {
		words[i] = shellWord(a)
	}
	return "run the same command again: helm aistor " + strings.Join(words, " ")
}

// upgradeError gives the errors of a run their exit codes.
func upgradeError(err error) error {
	var interrupted *upgrade.InterruptedError
	var timeout *upgrade.TimeoutError
	var stopped *upgrade.StoppedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &interrupted):
		return withCode(ExitInterrupted, err)
	case errors.As(err, &timeout):
		return withCode(ExitTimeout, err)
	case errors.As(err, &stopped) && stopped.Changed:
		return withCode(ExitStopped, err)
	}
	return err
}
