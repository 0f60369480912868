package upgrade

import (
	"context"
	"fmt"
	"time"
)

// sleep waits for d or until ctx ends, whichever comes first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// patiently repeats f while the API server is away, for as long as patience
// lasts; any other error is final.
func patiently(ctx context.Context, patience time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := f(ctx)
		if !transient(err) {
			return err
		}
		if sleep(ctx, pause) != nil {
			return err
		}
	}
}

// naming wraps err as `gerund "subject": err`; nil stays nil.
func naming(err error, gerund, subject string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %w", gerund, subject, err)
}
