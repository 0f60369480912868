package upgrade

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

// An API server that is away does not keep a step from being interrupted as long
// as the step has sent nothing that changes the cluster.
func TestInterruptionEndsAStepThatHasChangedNothingWhileTheAPIServerIsAway(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		step  string // whose start is waited for
		point string // the request at which the API server goes away
		nth   int
	}{
		{"reading the release", "store-one", "helm release", 1},
		{"noting that Helm is called", "store-one", "journal update", 1},
		{"reading the bindings", "recreate-bindings-5.10.0", "binding get", 1},
		{"noting that bindings are deleted", "recreate-bindings-5.10.0", "journal update", 1},
		{"ending a pending release", "mark-failed-two", "helm release", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				ctx, cancel := context.WithCancel(t.Context())
				x := w.newAttempt(t, "me")
				if tt.step == "mark-failed-two" {
					w.stuckBySomebody(x, 20*time.Minute)
				}
				began, count := false, 0
				var at time.Time
				x.opts.OnEvent = func(ev Event) { began = began || ev.Kind == EventStarted && ev.Step == tt.step }
				w.onRequest = func(point string) {
					if !began || point != tt.point || w.away.Load() {
						return
					}
					if count++; count == tt.nth {
						w.away.Store(true)
						time.AfterFunc(time.Second, func() { at = time.Now(); cancel() })
					}
				}
				_, err := x.runAttempt(ctx)
				stop, ok := errors.AsType[*InterruptedError](err)
				if took := time.Since(at); !ok || at.IsZero() || took > 2*time.Second {
					t.Fatalf("after %s: %v", took, err)
				}
				if first := tt.step != "store-one"; stop.Changed == first {
					t.Errorf("changed: %t", stop.Changed)
				}
				if len(w.releases["ns-one/one"]) != 1 || slices.Contains(w.calls, "helm mark-failed") || stop.Changed != slices.Contains(w.calls, "binding delete") {
					t.Errorf("requests: %v", w.calls)
				}
			})
		})
	}
}

// Between two calls of Helm nothing is under way either.
func TestInterruptionEndsTheWaitForAnotherCallOfHelm(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		ctx, cancel := context.WithCancel(t.Context())
		var at time.Time
		w.onUpgrade = func(r UpgradeRequest) error {
			if r.Name == "one" {
				w.away.Store(true)
				time.AfterFunc(time.Second, func() { at = time.Now(); cancel() })
				return w.answers(context.Background())
			}
			return nil
		}
		_, err := w.newAttempt(t, "me").runAttempt(ctx)
		if took := time.Since(at); !errors.As(err, new(*InterruptedError)) || at.IsZero() || took > 4*time.Second {
			t.Fatalf("after %s: %v", took, err)
		}
		// What the call left is known to be ours afterwards.
		w.away.Store(false)
		w.onUpgrade = nil
		x := w.newAttempt(t, "me")
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
	})
}

// Once bindings are deleted, the operator has no rights: what brings them back
// is not given up because the API server is away for a moment.
func TestInterruptionDoesNotLeaveTheOperatorWithoutRights(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		ctx, cancel := context.WithCancel(t.Context())
		x := w.newAttempt(t, "me")
		w.onRequest = func(point string) {
			if point == "binding delete" && !w.away.Load() && ctx.Err() == nil && w.bindingRole(t, "aistor-adminjob") == "" {
				time.AfterFunc(time.Millisecond, func() { w.away.Store(true) })
				time.AfterFunc(time.Second, cancel)
				time.AfterFunc(20*time.Second, func() { w.away.Store(false) })
			}
		}
		_, err := x.runAttempt(ctx)
		if !errors.As(err, new(*InterruptedError)) {
			t.Fatalf("error: %v", err)
		}
		for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
			if role := w.bindingRole(t, name); role != "ClusterRole/new-role" && role != "ClusterRole/old-role" {
				t.Errorf("%s has role %q; alarms %q", name, role, x.told.alarmMessages())
			}
		}
	})
}
