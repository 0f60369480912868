package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Executor runs one plan. Its Run is called once.
type Executor struct {
	plan   *plan.Plan
	inputs *plan.Inputs
	deps   Deps
	opts   Options

	digest        string
	namespace     string
	secrets       *redact.Redactor
	eventMu       sync.Mutex
	maskedWaiting map[string]string // the last event's Waiting, by what it was

	lease               *lease.Lease
	journal             *journal.Journal
	watch               ClusterWatcher
	cancelWatch         context.CancelFunc // ends what live hangs on
	facts               *plan.Facts        // as read at the start of the attempt
	tracker             *tracker
	earlierAvailability []journal.Availability // of earlier attempts
	earlierPods         []journal.PodTimeline

	nothingToChange bool   // every release is where the plan wants it
	alarm           string // why no further store may be started
	backup          string
	validation      string
	evidence        string
	deleted         map[plan.ObjectKey]images.Object // bindings that this process deleted, as they were
	undoResult      string                           // what became of the failed step's chart
	pauseReason     string

	deletionsRead time.Time // when it was last asked what is being deleted
}

// NewExecutor prepares the execution of p. in holds the charts and values that p was
// made from: a plan that was reviewed elsewhere is executed only with
// inputs that match it. Neither is changed.
func NewExecutor(p *plan.Plan, in *plan.Inputs, deps Deps, o Options) *Executor {
	e := &Executor{plan: p, inputs: in, deps: deps, opts: o.withDefaults(), digest: p.Digest(), secrets: deps.Redactor}
	if e.secrets == nil {
		e.secrets = redact.New()
	}
	e.secrets.AddValue(in.SecretValues()...)
	e.secrets.KeepNames(in.Facts.ReadableNames()...)
	e.lease, e.namespace = deps.Lease, deps.Lease.Namespace()
	e.tracker = newTracker(e.opts.Now)
	e.journal, e.deleted = &journal.Journal{}, map[plan.ObjectKey]images.Object{}
	return e
}

// Home is the namespace for the lease and the journals of a plan made from in:
// the operator's.
func Home(in *plan.Inputs) string {
	if in.Facts != nil && in.Facts.Namespace != "" {
		return in.Facts.Namespace
	}
	for _, c := range in.Operator {
		return c.Namespace
	}
	if in.Facts != nil && in.Facts.Operator != nil {
		return in.Facts.Operator.Namespace
	}
	return "aistor"
}

// Run carries the plan out, or what an earlier attempt left of it. It returns
// an outcome in every case in which the lease was taken. A run that pauses, as
// [Options.StopAfter] asks, is not an error. Errors are [BusyError],
// [InterruptedError] and [StoppedError], the last one often with a
// [TimeoutError] or [DriftError] in it.
//
// When ctx ends, the request under way is finished, the journal is written,
// and Run returns. When the lease is lost, nothing more is written, and the
// StoppedError has a [lease.LostError] in it.
func (e *Executor) Run(ctx context.Context) (*Outcome, error) {
	if err := e.validatePlan(); err != nil {
		return nil, &StoppedError{Cause: err, Rollback: e.isRollback()}
	}
	if err := e.acquire(ctx); err != nil {
		return nil, err
	}
	orderly := false
	defer func() { e.shutdown(ctx, orderly) }()
	ctx, end := e.untilLost(ctx)
	defer end()
	err := e.prepareRun(ctx)
	if err == nil {
		err = e.runSteps(ctx)
	}
	if err == nil {
		err = e.refuseDeletions(ctx, plan.Step{})
	}
	out, err := e.finishAttempt(ctx, err)
	orderly = true
	return out, err
}

// acquire takes the lease.
func (e *Executor) acquire(ctx context.Context) error {
	err := e.lease.Acquire(ctx, func(b *lease.BusyError) {
		e.emitMessage("", EventProgress, fmt.Sprintf("lease %s/%s held by %s: watching whether it is renewed", cmp.Or(b.Namespace, e.namespace), lease.Name, b.Holder))
	})
	if err == nil {
		return nil
	}
	if busy, ok := errors.AsType[*lease.BusyError](err); ok && ctx.Err() == nil {
		return &BusyError{Holder: busy.Holder, Since: busy.Since, Namespace: cmp.Or(busy.Namespace, e.namespace), Back: e.isRollback()}
	}
	return e.typedError(ctx, interruptedBy(ctx, err))
}

// untilLost is a context that ends with the lease too.
func (e *Executor) untilLost(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-e.lease.Lost():
			cancel(e.lease.Err())
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel(nil)
		watching.Wait()
	}
}

// validatePlan rejects plans that must not start.
func (e *Executor) validatePlan() error {
	if err := e.plan.RefusalError(); err != nil {
		return fmt.Errorf("the plan is refused: %w", err)
	}
	if id := e.opts.StopAfter; id != "" {
		i := slices.IndexFunc(e.plan.Steps, func(s plan.Step) bool { return s.ID == id })
		if i < 0 {
			return fmt.Errorf("stopping after %q: the plan has no such step", id)
		}
		if why := actionOf(e.plan.Steps[i]).Inseparable; why != "" {
			return fmt.Errorf("stopping after %q: %s; stop after the next step", id, why)
		}
	}
	for _, s := range e.plan.Steps {
		if _, known := actions[s.Action]; !known {
			return message.Errorf("reading step %q: unknown action\nreceived: %s\nexpected: an action known to this version", s.ID, s.Action)
		}
		if !s.Action.ChangesRelease() {
			continue
		}
		c, err := changeOf(e.inputs, s)
		if err != nil {
			return err
		}
		if s.Values != "" && plan.ValuesDigest(c.Values) != s.Values {
			return fmt.Errorf("checking the values of step %q: they differ from the values of the plan", s.ID)
		}
	}
	return nil
}

// releaseLimit is how long giving the lease back may take.
const releaseLimit = 10 * time.Second

// shutdown stops background work and releases the lease last. A
// panic leaves it held, as a killed process would: nobody knows what was under
// way.
func (e *Executor) shutdown(ctx context.Context, orderly bool) {
	e.tracker.stopProbes()
	if e.watch != nil {
		e.watch.Stop()
		e.cancelWatch()
	}
	if !orderly {
		e.lease.Abandon()
		return
	}
	limit := releaseLimit
	if ctx.Err() != nil {
		limit = interruptionGrace
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := e.lease.Release(ctx); err != nil {
		e.emitMessage("", EventProgress, "releasing the lease: "+err.Error()+"; it expires by itself")
	}
}
