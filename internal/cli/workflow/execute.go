package workflow

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// ExecutePlan runs the steps of the plan and prints the outcome. The error has the
// exit code for it.
func (o *RunOptions) ExecutePlan(ctx context.Context, t *Target, s *preflight.Subject) error {
	deps, err := o.upgradeDeps(t)
	if err != nil {
		return err
	}
	show := display.NewEventPrinter(o.Program)
	opts := o.executorOptions(ctx, t, s)
	opts.OnEvent = show.HandleEvent
	ctx, end := o.cancelOnBrokenPipe(ctx)
	defer end()
	finish := o.BeginChange()
	outcome, err := upgrade.NewExecutor(t.Plan, &t.Inputs, deps, opts).Run(ctx)
	finish()
	show.Close()
	if o.Evidence.outcome = outcome; outcome != nil {
		display.PrintOutcome(o.Out, outcome)
	}
	return UpgradeError(err)
}

// cancelOnBrokenPipe ends when nobody reads what is said any more: the program behind a
// pipe has ended, also by the same Ctrl-C. That is an interruption as a lost
// connection is, and must not kill Helm midway.
func (o *RunOptions) cancelOnBrokenPipe(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	if o.IgnoreSIGPIPE != nil {
		o.IgnoreSIGPIPE()
	}
	if log := o.Evidence.log; log != nil {
		log.Lock.Lock()
		defer log.Lock.Unlock()
		log.OnBrokenPipe = end
	}
	return ctx, end
}

func (o *RunOptions) upgradeDeps(t *Target) (upgrade.Deps, error) {
	fenced, err := o.Fence(t)
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
		Cluster: clusterAdapter{Client: t.Cluster, scope: o.clusterScope(t)},
		Lease:   fenced.lease,
		Client:  client, Bindings: upgrade.NewBindingClient(dyn),
		Prober:   healthProber{client: t.Cluster, facts: t.Inputs.Facts, endpoints: o.Endpoints.Endpoints},
		Redactor: o.Redactor(),
	}, nil
}

func (o *RunOptions) executorOptions(ctx context.Context, t *Target, s *preflight.Subject) upgrade.Options {
	opts := upgrade.Options{
		StopAfter: o.stopAfter, Timeout: o.timeout, StabilizationPeriod: o.stabilizationPeriod, BackupDir: o.backupDir,
		Identity: t.Inputs.Facts.User, Tool: "aistor-upgrade " + o.Version,
		ResumeCommand: o.ResumeCommand(), ReplanCommand: o.ReplanCommand(), Now: o.Now,
		MaxHistory: o.maxHistory, Description: o.Description, RollbackOnFailure: o.RollbackOnFailure, Findings: o.Evidence.failedFindings,
		Preflight: func(ctx context.Context) error {
			return o.Inquire(ctx, func() error { return o.RunPhaseChecks(ctx, t, s, preflight.PhaseB) })
		},
		Validate: func(ctx context.Context) (string, error) {
			summary := make(chan string, 1)
			err := o.Inquire(ctx, func() error {
				said, err := o.validateOutcome(ctx, t, s)
				summary <- said
				return err
			})
			if errors.Is(err, term.ErrAbandoned) {
				return "", err
			}
			return <-summary, err
		},
	}
	if o.deadline > 0 {
		opts.Deadline = o.Now().Add(o.deadline)
	}
	if o.Choices.Push != "never" {
		opts.Push = func(ctx context.Context) error {
			return o.Inquire(ctx, func() error { return o.pushImages(ctx, t) })
		}
	}
	return opts
}

func (o *RunOptions) pushImages(ctx context.Context, t *Target) error {
	client, err := o.NewRegistryClient(o.Program, t.Plan.Registry.PushHost())
	if err != nil {
		return err
	}
	events, end := o.StartProgress("pushing")
	receipt, err := images.Push(ctx, t.Bundle.Source(), client, t.Plan.Registry.Mirror, images.PushOptions{
		Concurrency: o.Concurrency, Progress: events, OverwriteTags: o.Overwrite,
		ChartsPath: ChartsPath(t.Bundle),
	})
	end()
	if err != nil {
		return err
	}
	if receipt.PushedCount() == 0 {
		term.PrintLine(o.Out, "all images are in the registry")
		return nil
	}
	term.PrintLine(o.Out, "pushed %d of %d, %s", receipt.PushedCount(), len(receipt.Artifacts), term.FormatBytes(receipt.BytesSent()))
	return nil
}

// validateOutcome collects facts again and runs the checks of the outcome.
func (o *RunOptions) validateOutcome(ctx context.Context, t *Target, before *preflight.Subject) (string, error) {
	facts, report, err := o.validateUntilStable(ctx, t, before)
	if err != nil {
		return "", err
	}
	o.Evidence.after = append(o.Evidence.after, report)
	term.PrintLine(o.Out, "")
	display.PrintImages(o.Out, facts)
	display.PrintReport(o.Out, report)
	if !report.OK() {
		return report.Verdict, term.WithCode(term.ExitCheckFailed, fmt.Errorf("validating: %s", report.Verdict))
	}
	return report.Verdict, nil
}

// ResumeCommand is the command that resumes the run. Arguments never contain secrets.
func (o *RunOptions) ResumeCommand() string {
	return "rerun the same command to resume: " + o.TypedCommand()
}

// ReplanCommand is the command for a new plan after drift.
func (o *RunOptions) ReplanCommand() string {
	if slices.ContainsFunc(o.Args, func(a string) bool { return a == "--plan" || strings.HasPrefix(a, "--plan=") }) {
		return "create and review a plan for the current state with: helm aistor plan --out FILE"
	}
	return "show the plan for the current state: " + o.TypedCommand() + " --dry-run"
}

// TypedCommand is the command as it was typed, with what Helm took out of it.
func (o *RunOptions) TypedCommand() string {
	line := "helm aistor"
	for _, a := range append(slices.Clone(o.Args), o.Kube.HelmEnvFlags(o.Getenv)...) {
		line += " " + shellquote.Quote(a)
	}
	return line
}

// UpgradeError gives the errors of a run their exit codes.
func UpgradeError(err error) error {
	var interrupted *upgrade.InterruptedError
	var timeout *upgrade.TimeoutError
	var healing *upgrade.HealingError
	var stopped *upgrade.StoppedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*lease.LostError)): // whatever this run did, another one continues
		return term.WithCode(term.ExitStopped, err)
	case errors.As(err, &interrupted):
		return term.WithCode(term.ExitInterrupted, err)
	case errors.As(err, &timeout), errors.As(err, &healing):
		return term.WithCode(term.ExitTimeout, err)
	case errors.As(err, &stopped) && stopped.Changed:
		return term.WithCode(term.ExitStopped, err)
	case stopped != nil && !errors.As(err, new(*term.CodedError)): // a request's own time-out is not the user's
		return term.WithCode(term.ExitError, err)
	}
	return err
}
