package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

func (o *runOptions) executePlan(ctx context.Context, t *target, s *preflight.Subject) error {
	deps, err := o.upgradeDeps(t)
	if err != nil {
		return err
	}
	show := newEventPrinter(o.Program)
	opts := o.executorOptions(ctx, t, s)
	opts.OnEvent = show.handleEvent
	ctx, end := o.cancelOnBrokenPipe(ctx)
	defer end()
	finish := o.beginChange()
	outcome, err := upgrade.NewExecutor(t.plan, &t.inputs, deps, opts).Run(ctx)
	finish()
	show.close()
	if o.evidence.outcome = outcome; outcome != nil {
		printOutcome(o.Out, outcome)
	}
	return upgradeError(err)
}

// cancelOnBrokenPipe ends when nobody reads what is said any more: the program behind a
// pipe has ended, also by the same Ctrl-C. That is an interruption as a lost
// connection is, and must not kill Helm midway.
func (o *runOptions) cancelOnBrokenPipe(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	if o.IgnoreSIGPIPE != nil {
		o.IgnoreSIGPIPE()
	}
	if log := o.evidence.log; log != nil {
		log.mu.Lock()
		defer log.mu.Unlock()
		log.onBrokenPipe = end
	}
	return ctx, end
}

func (o *runOptions) upgradeDeps(t *target) (upgrade.Deps, error) {
	fenced, err := o.fence(t)
	if err != nil {
		return upgrade.Deps{}, err
	}
	config, err := fenced.ToRESTConfig()
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
		Helm:    helmAdapter{client: chart.NewClient(fenced, nil), charts: t.charts},
		Cluster: clusterAdapter{client: t.cluster, scope: o.clusterScope(t)},
		Lease:   fenced.lease,
		Client:  client, Bindings: upgrade.NewBindingClient(dyn),
		Prober:   healthProber{client: t.cluster, facts: t.inputs.Facts, endpoints: o.endpoints.endpoints},
		Redactor: o.redactor(),
	}, nil
}

func (o *runOptions) executorOptions(ctx context.Context, t *target, s *preflight.Subject) upgrade.Options {
	opts := upgrade.Options{
		StopAfter: o.stopAfter, Timeout: o.timeout, StabilizationPeriod: o.stabilizationPeriod, BackupDir: o.backupDir,
		Identity: t.inputs.Facts.User, Tool: "aistor-upgrade " + o.Version,
		ResumeCommand: o.resumeCommand(), ReplanCommand: o.replanCommand(), Now: o.Now,
		MaxHistory: o.maxHistory, Description: o.description, RollbackOnFailure: o.rollbackOnFailure, Findings: o.evidence.failedFindings,
		Preflight: func(ctx context.Context) error {
			return o.inquire(ctx, func() error { return o.runPhaseChecks(ctx, t, s, preflight.PhaseB) })
		},
		Validate: func(ctx context.Context) (string, error) {
			summary := make(chan string, 1)
			err := o.inquire(ctx, func() error {
				said, err := o.validateOutcome(ctx, t, s)
				summary <- said
				return err
			})
			if errors.Is(err, errAbandoned) {
				return "", err
			}
			return <-summary, err
		},
	}
	if o.deadline > 0 {
		opts.Deadline = o.Now().Add(o.deadline)
	}
	if o.choices.Push != "never" {
		opts.Push = func(ctx context.Context) error {
			return o.inquire(ctx, func() error { return o.pushImages(ctx, t) })
		}
	}
	return opts
}

func (o *runOptions) pushImages(ctx context.Context, t *target) error {
	client, err := o.newRegistryClient(o.Program, t.plan.Registry.PushHost())
	if err != nil {
		return err
	}
	events, end := o.startProgress("pushing")
	receipt, err := images.Push(ctx, t.bundle.Source(), client, t.plan.Registry.Mirror, images.PushOptions{
		Concurrency: o.concurrency, Progress: events, OverwriteTags: o.overwrite,
		ChartsPath: chartsPathOf(t.bundle),
	})
	end()
	if err != nil {
		return err
	}
	if receipt.PushedCount() == 0 {
		printLine(o.Out, "all images are in the registry")
		return nil
	}
	printLine(o.Out, "pushed %d of %d, %s", receipt.PushedCount(), len(receipt.Artifacts), bytesText(receipt.BytesSent()))
	return nil
}

// validateOutcome collects facts again and runs the checks of the outcome.
func (o *runOptions) validateOutcome(ctx context.Context, t *target, before *preflight.Subject) (string, error) {
	facts, report, err := o.validateUntilStable(ctx, t, before)
	if err != nil {
		return "", err
	}
	o.evidence.after = append(o.evidence.after, report)
	printLine(o.Out, "")
	printImages(o.Out, facts)
	printReport(o.Out, report)
	if !report.OK() {
		return report.Verdict, withCode(ExitCheckFailed, fmt.Errorf("validating: %s", report.Verdict))
	}
	return report.Verdict, nil
}

// resumeCommand is the command that resumes the run. Arguments never contain secrets.
func (o *runOptions) resumeCommand() string {
	return "rerun the same command to resume: " + o.typedCommand()
}

// replanCommand is the command for a new plan after drift.
func (o *runOptions) replanCommand() string {
	if slices.ContainsFunc(o.Args, func(a string) bool { return a == "--plan" || strings.HasPrefix(a, "--plan=") }) {
		return "create and review a plan for the current state with: helm aistor plan --out FILE"
	}
	return "show the plan for the current state: " + o.typedCommand() + " --dry-run"
}

// typedCommand is the command as it was typed, with what Helm took out of it.
func (o *runOptions) typedCommand() string {
	line := "helm aistor"
	for _, a := range append(slices.Clone(o.Args), o.kube.helmEnvFlags(o.Getenv)...) {
		line += " " + shellquote.Quote(a)
	}
	return line
}

// upgradeError gives the errors of a run their exit codes.
func upgradeError(err error) error {
	var interrupted *upgrade.InterruptedError
	var timeout *upgrade.TimeoutError
	var healing *upgrade.HealingError
	var stopped *upgrade.StoppedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*lease.LostError)): // whatever this run did, another one continues
		return withCode(ExitStopped, err)
	case errors.As(err, &interrupted):
		return withCode(ExitInterrupted, err)
	case errors.As(err, &timeout), errors.As(err, &healing):
		return withCode(ExitTimeout, err)
	case errors.As(err, &stopped) && stopped.Changed:
		return withCode(ExitStopped, err)
	case stopped != nil && !errors.As(err, new(*exitError)): // a request's own time-out is not the user's
		return withCode(ExitError, err)
	}
	return err
}
