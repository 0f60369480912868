package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Executor carries out one plan. Its Run is called once.
type Executor struct {
	plan *plan.Plan
	in   *plan.Inputs
	deps Deps
	opts Options

	digest    string
	namespace string
	secrets   *redact.Redactor
	telling   sync.Mutex
	masked    map[string]string // the last event's Waiting, by what it was

	lease       *lease.Lease
	journal     *journal.Journal
	live        Live
	blind       context.CancelFunc // ends what live hangs on
	facts       *plan.Facts        // as the attempt found them
	tracker     *tracker
	earlier     []journal.Availability // of earlier attempts
	earlierPods []journal.PodTimeline

	idle       bool   // every release is where the plan wants it
	alarm      string // why no further store may be started
	backup     string
	validation string
	evidence   string
	deleted    map[plan.ObjectKey]images.Object // bindings that this process deleted, as they were
	undone     string                           // what became of the failed step's chart
	parked     string

	deletionsRead time.Time // when it was last asked what is being deleted
}

// New prepares the execution of p. in holds the charts and values that p was
// made from: a plan that was reviewed elsewhere is carried out only with
// inputs that match it. Neither is changed.
func New(p *plan.Plan, in *plan.Inputs, deps Deps, o Options) *Executor {
	e := &Executor{plan: p, in: in, deps: deps, opts: o.withDefaults(), digest: p.Digest(), secrets: deps.Redactor}
	if e.secrets == nil {
		e.secrets = redact.New()
	}
	e.secrets.AddValue(in.SecretValues()...)
	e.secrets.Keep(in.Facts.ReadableNames()...)
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
// an outcome in every case in which the lease was taken. A run that parks, as
// [Options.StopAfter] asks, is no error. Errors are [BusyError],
// [InterruptedError] and [StoppedError], the last one often with a
// [TimeoutError] or [DriftError] in it.
//
// When ctx ends, the request under way is finished, the journal is written,
// and Run returns. When the lease is lost, nothing more is written, and the
// StoppedError has a [lease.LostError] in it.
func (e *Executor) Run(ctx context.Context) (*Outcome, error) {
	if err := e.admissible(); err != nil {
		return nil, &StoppedError{Cause: err, Back: e.back()}
	}
	if err := e.acquire(ctx); err != nil {
		return nil, err
	}
	orderly := false
	defer func() { e.leave(ctx, orderly) }()
	ctx, end := e.untilLost(ctx)
	defer end()
	err := e.prepare(ctx)
	if err == nil {
		err = e.carryOut(ctx)
	}
	if err == nil {
		err = e.refuseDeletions(ctx, plan.Step{})
	}
	out, err := e.conclude(ctx, err)
	orderly = true
	return out, err
}

// acquire takes the lease.
func (e *Executor) acquire(ctx context.Context) error {
	err := e.lease.Acquire(ctx, func(b *lease.BusyError) {
		e.say("", EventProgress, fmt.Sprintf("lease %s/%s held by %s: watching whether it is renewed", orElse(b.Namespace, e.namespace), lease.Name, b.Holder))
	})
	if err == nil {
		return nil
	}
	if busy, ok := errors.AsType[*lease.BusyError](err); ok && ctx.Err() == nil {
		return &BusyError{Holder: busy.Holder, Since: busy.Since, Namespace: orElse(busy.Namespace, e.namespace), Back: e.back()}
	}
	return e.verdict(ctx, interruptedBy(ctx, err))
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

// admissible refuses what must not even begin.
func (e *Executor) admissible() error {
	if err := e.plan.Refused(); err != nil {
		return fmt.Errorf("the plan is refused: %w", err)
	}
	if id := e.opts.StopAfter; id != "" {
		i := slices.IndexFunc(e.plan.Steps, func(s plan.Step) bool { return s.ID == id })
		if i < 0 {
			return fmt.Errorf("stopping after %q: the plan has no such step", id)
		}
		if e.plan.Steps[i].Action == plan.ActionMend {
			return fmt.Errorf("stopping after %q: the operator would be left without rights; stop after the step that follows", id)
		}
	}
	for _, s := range e.plan.Steps {
		if !changesRelease(s) {
			continue
		}
		c, err := changeOf(e.in, s)
		if err != nil {
			return err
		}
		if s.Values != "" && plan.ValuesDigest(c.Values) != s.Values {
			return fmt.Errorf("checking the values of step %q: they are not those the plan was made from", s.ID)
		}
	}
	return nil
}

// releaseLimit is how long giving the lease back may take.
const releaseLimit = 10 * time.Second

// leave ends what runs in the background and frees the lease last of all. A
// panic leaves it held, as a killed process would: nobody knows what was under
// way.
func (e *Executor) leave(ctx context.Context, orderly bool) {
	e.tracker.stop()
	if e.live != nil {
		e.live.Stop()
		e.blind()
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
		e.say("", EventProgress, "releasing the lease: "+err.Error()+"; it expires by itself")
	}
}
