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

// naming wraps err as `gerund "subject": err`; nil stays nil.
func naming(err error, gerund, subject string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q: %w", gerund, subject, err)
}
