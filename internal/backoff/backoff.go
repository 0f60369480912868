// Package backoff waits between two attempts. It knows nothing of what is
// attempted, and reads no clock but the timer's.
package backoff

import (
	"context"
	"time"
)

// Sleep waits for d, or until ctx ends, whichever comes first. It returns nil
// after d, else the cause of ctx's end. A d of zero or less does not wait.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
