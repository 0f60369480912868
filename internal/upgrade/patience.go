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
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := f(ctx)
		if !transient(err) {
			return err
		}
		if pause.For(ctx, wait) != nil {
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
	return patiently(ctx, e.opts.Patience, func(ctx context.Context) error {
		if err := e.lease.Verify(ctx); err != nil {
			return err
		}
		return f(ctx)
	})
}

// save writes this attempt's journal, whatever else happens: it ignores ctx's
// end, but not the loss of the lease.
func (e *Executor) save(ctx context.Context) error {
	return e.write(context.WithoutCancel(ctx), e.journal.Save)
}

// naming wraps err as `gerund "subject": err`; nil stays nil.
func naming(err error, gerund, subject string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %w", gerund, subject, err)
}
