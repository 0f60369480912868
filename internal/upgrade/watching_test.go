package upgrade

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// The first signal ends a watch that does not begin: nothing is under way yet.
func TestAWatchThatDoesNotBeginIsInterrupted(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onWatch = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(5*time.Second, cancel)
		began := time.Now()
		var interrupted *InterruptedError
		if _, err := w.newAttempt(t, "me").runAttempt(ctx); !errors.As(err, &interrupted) || interrupted.Changed {
			t.Errorf("error: %v", err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it ended after %s", took)
		}
		if slices.Contains(w.calls, "helm upgrade") {
			t.Error("something was changed")
		}
	})
}

// Once it has begun it outlives the signal, so that the last request's end is seen.
func TestAWatchOutlivesTheInterruption(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		var watching context.Context
		w.onWatch = func(ctx context.Context) error { watching = ctx; return nil }
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.onHalf = func(UpgradeRequest) {
			cancel()
			time.Sleep(time.Minute)
			if watching.Err() != nil {
				t.Error("the watch ended with the signal")
			}
		}
		var interrupted *InterruptedError
		if _, err := w.newAttempt(t, "me").runAttempt(ctx); !errors.As(err, &interrupted) || !interrupted.Changed {
			t.Errorf("error: %v", err)
		}
		if watching.Err() == nil {
			t.Error("nobody ended the watch")
		}
	})
}
