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
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

func (o *runOptions) execute(ctx context.Context, t *target, s *preflight.Subject) error {
	deps, err := o.deps(t)
	if err != nil {
		return err
	}
	show := newEventPrinter(o.Program)
	opts := o.executorOptions(ctx, t, s)
	opts.OnEvent = show.event
	ctx, end := o.whileRead(ctx)
	defer end()
	finish := o.beginChange()
	outcome, err := upgrade.New(t.plan, &t.inputs, deps, opts).Run(ctx)
	finish()
	show.close()
	if o.seen.outcome = outcome; outcome != nil {
		printOutcome(o.Out, outcome)
	}
	return upgradeError(err)
}

// whileRead ends when nobody reads what is said any more: the program behind a
// pipe has ended, also by the same Ctrl-C. That is an interruption as a lost
// connection is, and must not kill Helm half way.
func (o *runOptions) whileRead(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	if o.Steady != nil {
		o.Steady()
	}
	if log := o.seen.log; log != nil {
		log.mu.Lock()
		defer log.mu.Unlock()
		log.unread = end
	}
	return ctx, end
}

func (o *runOptions) deps(t *target) (upgrade.Deps, error) {
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
		Cluster: clusterAdapter{client: t.cluster, scope: o.scope(t)},
		Lease:   fenced.lease,
		Client:  client, Objects: upgrade.NewObjects(dyn),
		Prober:   healthProber{client: t.cluster, facts: t.inputs.Facts, at: o.endpoints.at},
		Redactor: o.redactor(),
	}, nil
}

func (o *runOptions) executorOptions(ctx context.Context, t *target, s *preflight.Subject) upgrade.Options {
	opts := upgrade.Options{
		StopAfter: o.stopAfter, Timeout: o.timeout, Settle: o.settle, BackupDir: o.backupDir,
		Identity: t.inputs.Facts.User, Tool: "aistor-upgrade " + o.Version,
		Command: o.command(), Anew: o.anew(), Now: o.Now,
		MaxHistory: o.maxHistory, Description: o.description, RollbackOnFailure: o.rollbackOnFailure, Findings: o.seen.findings,
		Preflight: func(ctx context.Context) error {
			return o.inquire(ctx, func() error { return o.check(ctx, t, s, preflight.PhaseB) })
		},
		Validate: func(ctx context.Context) (string, error) {
			summary := make(chan string, 1)
			err := o.inquire(ctx, func() error {
				said, err := o.validate(ctx, t, s)
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
			return o.inquire(ctx, func() error { return o.push(ctx, t) })
		}
	}
	return opts
}

func (o *runOptions) push(ctx context.Context, t *target) error {
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
func (o *runOptions) validate(ctx context.Context, t *target, before *preflight.Subject) (string, error) {
	facts, report, err := o.prove(ctx, t, before)
	if err != nil {
		return "", err
	}
	o.seen.after = append(o.seen.after, report)
	line(o.Out, "")
	printImages(o.Out, facts)
	printReport(o.Out, report)
	if !report.OK() {
		return report.Verdict, withCode(ExitCheckFailed, fmt.Errorf("validating: %s", report.Verdict))
	}
	return report.Verdict, nil
}

// command is what to type to go on. Secrets are never among the arguments.
func (o *runOptions) command() string {
	return "run the same command again: " + o.typed()
}

// anew is what to type once somebody else has changed what the plan relies on.
func (o *runOptions) anew() string {
	if slices.ContainsFunc(o.Args, func(a string) bool { return a == "--plan" || strings.HasPrefix(a, "--plan=") }) {
		return "helm aistor plan --out makes one for the present state; have it reviewed again"
	}
	return "look at a plan for the present state: " + o.typed() + " --dry-run"
}

// typed is the command as it was typed, with what Helm took out of it.
func (o *runOptions) typed() string {
	line := "helm aistor"
	for _, a := range append(slices.Clone(o.Args), o.kube.handed(o.Getenv)...) {
		line += " " + shell.Quote(a)
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
	case errors.As(err, new(*lease.LostError)): // whatever this run did, another one goes on
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
