package upgrade

import (
	"context"
	"fmt"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
)

// retryWhileUnavailable retries f while the API server is unavailable, for as long as patience
// lasts; any other error is final.
func retryWhileUnavailable(ctx context.Context, patience time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return repeat(ctx, ctx, f)
}

// repeat repeats f with ctx while the API server is away, until either context
// ends. An interruption does not end the request under way.
func repeat(ctx, interruption context.Context, f func(context.Context) error) error {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := f(ctx)
		if !isTransient(err) {
			return err
		}
		if backoff.Sleep(interruption, wait) != nil || ctx.Err() != nil {
			return err
		}
	}
}

// mayWrite demands that the lease is held, right before a change.
func (e *Executor) mayWrite(ctx context.Context) error {
	return retryWhileUnavailable(ctx, e.opts.RetryTimeout, e.lease.Verify)
}

// write sends one change patiently. Before each try the lease is verified: the
// time between two may be long. The end of ctx ends the tries, and not the
// request under way.
func (e *Executor) write(ctx context.Context, f func(context.Context) error) error {
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.opts.RetryTimeout)
	defer cancel()
	return repeat(work, ctx, func(work context.Context) error {
		if err := e.lease.Verify(ctx); err != nil {
			return err
		}
		return f(work)
	})
}

// interruptionGrace is how long an interruption leaves to a request that no
// change of the cluster hangs on.
const interruptionGrace = 2 * time.Second

// untilInterrupted is a context that ends a moment after ctx does.
func untilInterrupted(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = backoff.Sleep(out, interruptionGrace)
		cancel()
	})
	return out, func() {
		stop()
		cancel()
	}
}

// interruptedBy puts the end of ctx before an error, which shows it: whatever it
// says, without the interruption there might have been none.
func interruptedBy(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// cutShort is interruptedBy for the error of a change, which may have failed for
// a reason of its own: only an API server that is away would have been waited for.
func cutShort(ctx context.Context, err error) error {
	if !isTransient(err) {
		return err
	}
	return interruptedBy(ctx, err)
}

// save writes this attempt's journal, also once ctx has ended. Then it tries
// once, for a moment, and no more: a journal without its end is that of a killed
// run, which the same command resumes, and nobody is kept waiting for an API
// server that is away.
func (e *Executor) save(ctx context.Context) error {
	work, end := untilInterrupted(ctx)
	defer end()
	work, cancel := context.WithTimeout(work, e.opts.RetryTimeout)
	defer cancel()
	return interruptedBy(ctx, repeat(work, ctx, func(ctx context.Context) error {
		if err := e.lease.Verify(ctx); err != nil {
			return err
		}
		return e.journal.Save(ctx)
	}))
}

// announce notes in the journal that a step is about to change the cluster.
// Where it cannot, or an interruption comes first, the step has changed nothing.
func (e *Executor) announce(ctx context.Context, rec *journal.StepRecord) error {
	changed := rec.Changed
	rec.Changed = true
	err := e.save(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		rec.Changed = changed
	}
	return err
}

// wrapError wraps err as `gerund "subject": err`; nil stays nil.
func wrapError(err error, gerund, subject string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %w", gerund, subject, err)
}
