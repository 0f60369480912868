package upgrade

import (
	"context"
	"fmt"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/pause"
)

// patiently repeats f while the API server is away, for as long as patience
// lasts; any other error is final.
func patiently(ctx context.Context, patience time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return repeat(ctx, ctx, f)
}

// repeat repeats f with ctx while the API server is away, until either context
// ends. An interruption does not end the request under way.
func repeat(ctx, interruption context.Context, f func(context.Context) error) error {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := f(ctx)
		if !transient(err) {
			return err
		}
		if pause.For(interruption, wait) != nil || ctx.Err() != nil {
			return err
		}
	}
}

// mayWrite demands that the lease is held, right before a change.
func (e *Executor) mayWrite(ctx context.Context) error {
	return patiently(ctx, e.opts.Patience, e.lease.Verify)
}

// write sends one change patiently. Before each try the lease is verified: the
// time between two may be long.
func (e *Executor) write(ctx context.Context, f func(context.Context) error) error {
	return patiently(ctx, e.opts.Patience, e.verified(f))
}

// verified is f after the lease was verified.
func (e *Executor) verified(f func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := e.lease.Verify(ctx); err != nil {
			return err
		}
		return f(ctx)
	}
}

// save writes this attempt's journal, also once ctx has ended. Then it tries
// once and no more: a journal without its end is that of a killed run, which
// the same command resumes, and nobody is kept waiting for an API server that
// is away.
func (e *Executor) save(ctx context.Context) error {
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.opts.Patience)
	defer cancel()
	return repeat(work, ctx, e.verified(e.journal.Save))
}

// naming wraps err as `gerund "subject": err`; nil stays nil.
func naming(err error, gerund, subject string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %w", gerund, subject, err)
}
