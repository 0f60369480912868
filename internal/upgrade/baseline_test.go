package upgrade

import (
	"errors"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// The image is pushed, the command is typed again, and the pod still says for
// minutes what was true before: its node waits before it tries again.
func TestARerunWaitsUntilWhatFailedBeforeWasTriedAgain(t *testing.T) {
	for _, tc := range []struct {
		name   string
		before fakePod
		heals  bool
	}{
		{"an image that is there by now", fakePod{reason: "ImagePullBackOff", message: "manifest unknown"}, true},
		{"an image that is still missing", fakePod{reason: "ImagePullBackOff", message: "manifest unknown"}, false},
		{"a server that comes up by now", fakePod{reason: "CrashLoopBackOff", message: "back-off 5m0s", restarts: 7}, true},
		{"a server that still crashes", fakePod{reason: "CrashLoopBackOff", message: "back-off 5m0s", restarts: 7}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				w.onPod = func(_ *fakeStore, p *fakePod) {
					p.ready, p.reason, p.message, p.restarts = false, tc.before.reason, tc.before.message, tc.before.restarts
				}
				if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); !errors.As(err, new(*unrecoverableError)) {
					t.Fatalf("error of the first run: %v", err)
				}
				w.onPod = nil
				s := w.stores[0]
				w.warnings = []plan.Event{failedPull(time.Now())}
				time.AfterFunc(4*time.Minute, func() {
					w.updateState(func() {
						p := s.pods[3]
						if tc.heals {
							p.ready, p.reason, p.message = true, "", ""
							return
						}
						p.restarts++
						w.warnings = []plan.Event{failedPull(time.Now())}
					})
					if tc.heals {
						w.rollFrom(s, 2, 1)
					}
				})
				began := time.Now()
				_, err := w.newAttempt(t, "me again").runAttempt(t.Context())
				if tc.heals && err != nil {
					t.Fatalf("after %s: %v", time.Since(began), err)
				}
				if took := time.Since(began); !tc.heals && (!errors.As(err, new(*unrecoverableError)) || took < 4*time.Minute || took > 6*time.Minute) {
					t.Errorf("after %s: %v", took, err)
				}
			})
		})
	}
}

func failedPull(at time.Time) plan.Event {
	return plan.Event{
		Object: plan.ObjectKey{Kind: "Pod", Namespace: "ns-one", Name: "one-pool-0-3"}, Reason: "Failed", Count: 1, Last: at,
		Message: `Failed to pull image "reg.example/aistor/minio:new": manifest unknown`,
	}
}

// While the operator's step waits, a store that was there is deleted: nothing
// that is left is unready, and yet not all is well.
func TestAStoreThatIsGoneIsWaitedForToo(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		var back, next time.Time
		w.stores[1].claims = nil // it is the store alone that comes and goes
		w.afterHelm = func(w *fakeCluster, r UpgradeRequest) {
			w.reconcileUpgrade(r)
			if r.Name != "aistor" {
				if next.IsZero() {
					next = time.Now()
				}
				return
			}
			gone := w.stores[1]
			w.updateState(func() { w.stores = w.stores[:1] })
			time.AfterFunc(2*time.Minute, func() {
				w.updateState(func() { w.stores = append(w.stores, gone) })
				back = time.Now()
			})
		}
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		if next.Before(back) {
			t.Error("the next step began while a store was not there")
		}
	})
}

// While we waited, somebody upgraded the release: that is not ours to undo.
func TestARevisionOfSomebodyElseIsNotUndone(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onPod = func(_ *fakeStore, p *fakePod) {
			p.ready, p.reason, p.message = false, "ErrImagePull", "manifest unknown"
			h := w.releases["ns-one/one"]
			theirs := h[len(h)-1]
			theirs.Revision++
			theirs.Description = "Upgrade complete"
			w.releases["ns-one/one"] = append(h, theirs)
		}
		x := w.newAttempt(t, "me")
		x.opts.RollbackOnFailure = true
		for i := range x.plan.Steps {
			x.plan.Steps[i].Reversible = true
		}
		_, err := x.runAttempt(t.Context())
		stop, ok := errors.AsType[*StoppedError](err)
		if want := "ns-one/one is not rolled back: revision 3 was not created by this step"; !ok || stop.UndoResult != want {
			t.Fatalf("error: %v\nexpected: %s", err, want)
		}
		if h := w.releases["ns-one/one"]; len(h) != 3 {
			t.Errorf("revisions: %+v", h)
		}
	})
}

func TestAfterAnAlarmNothingThatRestartsStoresIsStarted(t *testing.T) {
	t.Parallel()
	restarts := []plan.Restart{{Store: "a/s", Pods: 4, Strategy: plan.OneByOne}}
	mend, operator := plan.Step{Action: plan.ActionRecreateBindings}, plan.Step{Action: plan.ActionOperator}
	rolls := plan.Step{Action: plan.ActionOperator, Restarts: restarts}
	for _, tc := range []struct {
		name string
		g    []plan.Step
		held bool
	}{
		{"a store", []plan.Step{{Action: plan.ActionStore, Store: "a/s"}}, true},
		{"an operator that restarts stores", []plan.Step{rolls}, true},
		{"bindings deleted for one that does", []plan.Step{mend, rolls}, true},
		{"an operator that restarts none", []plan.Step{mend, operator}, false},
		{"validation", []plan.Step{{Action: plan.ActionValidate}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := &Executor{alarm: "2 pods were down"}
			if err := e.checkMayStart(tc.g); (err != nil) != tc.held {
				t.Errorf("error: %v", err)
			}
		})
	}
}
