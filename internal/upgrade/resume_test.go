package upgrade

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// killedAt runs the entire plan up to a request.
func (w *fakeCluster) killedAt(t *testing.T, backups string, at func(point string) bool) *execution {
	t.Helper()
	w.onRequest = func(p string) {
		if at(p) {
			panic(killSignal{p})
		}
	}
	x := w.newAttempt(t, "killed")
	x.opts.BackupDir = backups
	if _, dead, err := x.runUntilKilled(t.Context()); !dead {
		t.Fatalf("not killed: %v", err)
	}
	w.onRequest = nil
	return x
}

// newReplannedAttempt is an attempt with a plan made from what is there now: another one.
func (w *fakeCluster) newReplannedAttempt(t *testing.T, backups, why string) *execution {
	t.Helper()
	x := w.newAttempt(t, "rerun")
	x.opts.BackupDir, x.lease.HolderGone = backups, func(string) bool { return true }
	x.plan.Steps[0].Why = why
	return x
}

// storedJournals is the newest journal.
func (w *fakeCluster) storedJournals(t *testing.T) []journal.Run {
	t.Helper()
	runs, err := journal.List(t.Context(), w.client, "aistor")
	if err != nil || len(runs) == 0 {
		t.Fatalf("%d journals, error %v", len(runs), err)
	}
	return runs
}

func TestRunOfAnotherPlanGoesOnFromTheOneThatWasKilled(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		backups := t.TempDir()
		first := w.killedAt(t, backups, func(p string) bool { return p == "helm upgrade" })
		w.stores[0].health = "yellow" // in the middle of its roll
		y := w.newReplannedAttempt(t, backups, "second")
		y.opts.Push = func(context.Context) error { return errors.New("the registry is away") }
		out, err := y.runAttempt(t.Context())
		if stopped, ok := errors.AsType[*StoppedError](err); !ok || !stopped.Changed || !out.Changed {
			t.Fatalf("the cluster was changed before: %v", err)
		}
		w.stores[0].health = "green"
		z := w.newReplannedAttempt(t, backups, "third")
		if out, err = z.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		original := first.executor().backupDir()
		if diff := cmp.Diff([]string{original, z.executor().backupDir()}, out.Backups); diff != "" || out.Backup != original {
			t.Errorf("backup %s, all (-want +got):\n%s", out.Backup, diff)
		}
		var lineage []string
		for _, r := range out.Earlier {
			lineage = append(lineage, r.Plan)
		}
		if diff := cmp.Diff([]string{first.plan.Digest()}, lineage); diff != "" {
			t.Errorf("runs it went on from (-want +got):\n%s", diff)
		}
		runs := w.storedJournals(t)
		if diff := cmp.Diff(map[string]string{"ns-one/one": "green", "ns-two/two": "green"}, runs[0].Baseline); diff != "" {
			t.Errorf("baseline (-want +got):\n%s", diff)
		}
		chain := []string{runs[0].Resumes, runs[1].Resumes, runs[1].ResumedBy, runs[2].ResumedBy}
		// The second one changed nothing, so that nothing but its word says that it was.
		if diff := cmp.Diff([]string{first.plan.Digest(), first.plan.Digest(), "", y.plan.Digest()}, chain); diff != "" {
			t.Errorf("chain (-want +got):\n%s", diff)
		}
		if r := journal.Unfinished(runs); r != nil {
			t.Errorf("unfinished: %s", r.Plan)
		}
	})
}

func TestRunOfAnotherPlanDoesNotTakeAStoreForDoneThatHasNotReactedYet(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		settled := false
		w.afterHelm = func(w *fakeCluster, r UpgradeRequest) {
			switch one := w.stores[0]; r.Name {
			case "one":
				time.AfterFunc(3*time.Second, func() { w.rollStore(one, one.image) })
			case "two":
				settled = !slices.ContainsFunc(one.pods, func(p *fakePod) bool { return p.revision == 0 || !p.ready })
				w.reconcileUpgrade(r)
			default:
				w.reconcileUpgrade(r)
			}
		}
		upgraded, backups := 0, t.TempDir()
		x := w.newAttempt(t, "killed")
		x.in.Stores[0].After[0]["spec"] = map[string]any{"rollingTimeoutSeconds": 600}
		w.onRequest = func(p string) {
			if p == "helm upgraded" {
				if upgraded++; upgraded == 2 {
					panic(killSignal{p})
				}
			}
		}
		if _, dead, err := x.runUntilKilled(t.Context()); !dead {
			t.Fatalf("not killed: %v", err)
		}
		w.onRequest = nil
		y := w.newReplannedAttempt(t, backups, "second")
		y.in.Stores[0].After = x.in.Stores[0].After
		i := slices.IndexFunc(y.plan.Steps, func(s plan.Step) bool { return s.ID == "store-one" })
		y.plan.Steps[i].Before = nil
		if _, err := y.runAttempt(t.Context()); err != nil || !settled {
			t.Errorf("first store settled before the second: %t, error %v", settled, err)
		}
		if got := len(w.releases["ns-one/one"]); got != 2 {
			t.Errorf("%d revisions of the first store", got)
		}
	})
}

func TestOnlyARunThatChangedSomethingAndDidNotEndIsGoneOnFrom(t *testing.T) {
	t.Parallel()
	changed := []journal.StepRecord{{ID: "s", Changed: true}}
	ended := func(result string) []journal.Attempt { return []journal.Attempt{{Result: "stopped"}, {Result: result}} }
	tests := []struct {
		name string
		run  journal.Run
		want bool
	}{
		{"killed", journal.Run{Steps: changed, Attempts: ended("")}, true},
		{"stopped", journal.Run{Steps: changed, Attempts: ended("stopped")}, true},
		{"paused", journal.Run{Steps: changed, Attempts: ended("paused")}, true},
		{"went on itself and changed nothing further", journal.Run{ChangedBefore: true, Attempts: ended("stopped")}, true},
		{"changed nothing", journal.Run{Attempts: ended("stopped")}, false},
		{"done", journal.Run{Steps: changed, Attempts: ended("done")}, false},
		{"gone on from already", journal.Run{Steps: changed, Attempts: ended("stopped"), ResumedBy: "sha256:x"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			older := journal.Run{Steps: changed, Attempts: ended("")}
			if got := journal.Unfinished([]journal.Run{tt.run, older}); (got != nil) != tt.want {
				t.Errorf("received: %v", got)
			}
		})
	}
	if journal.Unfinished(nil) != nil {
		t.Error("nothing is unfinished")
	}
}

// stuckBySomebody leaves store two pending, begun some time ago.
func (w *fakeCluster) stuckBySomebody(x *execution, ago time.Duration) {
	h := w.releases["ns-two/two"]
	h[0].Status = "superseded"
	w.releases["ns-two/two"] = append(h, HelmRelease{
		Chart: "aistor-objectstore", Version: "1.0.13", Status: "pending-upgrade", Revision: 2, Updated: time.Now().Add(-ago)})
	x.plan.Steps = slices.Insert(x.plan.Steps, 3, plan.Step{ID: "mark-failed-two", Action: plan.ActionMarkFailed, Target: "ns-two/two"})
	i := slices.IndexFunc(x.plan.Steps, func(s plan.Step) bool { return s.ID == "store-two" })
	x.plan.Steps[i].Before[1].Value = "2"
}

func TestPendingReleaseOfAHelmThatMayBeAtWorkIsLeftAlone(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		began := time.Now()
		w.stuckBySomebody(x, 14*time.Minute)
		_, err := x.runAttempt(t.Context())
		busy, ok := errors.AsType[*BusyError](err)
		if !ok || busy.Release != "ns-two/two" || !busy.Until.Equal(began.Add(time.Minute)) || !strings.Contains(err.Error(), "another Helm operation may be in progress since") {
			t.Fatalf("error: %v", err)
		}
		for _, call := range []string{"helm mark-failed", "helm upgrade", "push", "binding delete"} {
			if slices.Contains(w.calls, call) {
				t.Errorf("something was done: %s", call)
			}
		}
		time.Sleep(time.Minute) // until it is taken for dead
		if _, err := x.rerunAttempt(t).runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
	})
}

// rerunAttempt is another attempt at the same plan.
func (x *execution) rerunAttempt(t *testing.T) *execution {
	t.Helper()
	y := x.w.newAttempt(t, "me")
	y.plan = x.plan
	return y
}

func TestPendingReleaseThatAKilledRunLeftIsSettledAtOnce(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		backups, half := t.TempDir(), 0
		w.killedAt(t, backups, func(p string) bool {
			if p == "helm half" {
				half++
			}
			return half == 2 // the first store's
		})
		if h := w.releases["ns-one/one"]; h[len(h)-1].Status != "pending-upgrade" {
			t.Fatalf("not pending: %+v", h)
		}
		x := w.newReplannedAttempt(t, backups, "second")
		x.plan.Steps = slices.Insert(x.plan.Steps, 3, plan.Step{ID: "mark-failed-one", Action: plan.ActionMarkFailed, Target: "ns-one/one"})
		i := slices.IndexFunc(x.plan.Steps, func(s plan.Step) bool { return s.ID == "store-one" })
		x.plan.Steps[i].Before = nil
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
	})
}

// Not every part keeps the cause of its failure.
func TestStepThatFailsBecauseItIsInterruptedIsNoFailure(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		ctx, cancel := context.WithCancel(t.Context())
		x := w.newAttempt(t, "me")
		x.opts.Push = func(context.Context) error { cancel(); return errors.New("the connection is closed") }
		_, err := x.runAttempt(ctx)
		if stop, ok := errors.AsType[*InterruptedError](err); !ok || stop.Changed {
			t.Fatalf("error: %v", err)
		}
	})
}

// What is checked before a step changes anything does not hold an interruption
// up, however long the API server takes.
func TestInterruptionWhileAStepIsCheckedKeepsItFromStarting(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		ctx, cancel := context.WithCancel(t.Context())
		w.onRequest = func(p string) {
			if p == "deletions" {
				cancel()
			}
		}
		_, err := w.newAttempt(t, "me").runAttempt(ctx)
		if stop, ok := errors.AsType[*InterruptedError](err); !ok || stop.Changed {
			t.Fatalf("error: %v", err)
		}
		for release, revisions := range w.releases {
			if len(revisions) != 1 {
				t.Errorf("%s has %d revisions", release, len(revisions))
			}
		}
	})
}

func TestInterruptedStepSaysSoAndNotHow(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		ctx, cancel := context.WithCancel(t.Context())
		w.onHalf = func(UpgradeRequest) { cancel() }
		x := w.newAttempt(t, "me")
		_, err := x.runAttempt(ctx)
		if !errors.As(err, new(*InterruptedError)) {
			t.Fatalf("error: %v", err)
		}
		var said []string
		for _, ev := range x.told.events {
			if ev.Kind == EventFailed {
				said = append(said, ev.Step+": "+ev.Message)
			}
		}
		if diff := cmp.Diff([]string{"operator-5.10.0: interrupted"}, said); diff != "" {
			t.Errorf("said (-want +got):\n%s", diff)
		}
	})
}

// Nobody is kept waiting for an API server that is away, only to note the end.
func TestInterruptionWhileTheAPIServerIsAwayEndsSoon(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		var away atomic.Bool
		w.client.PrependReactor("*", "leases", func(ktesting.Action) (bool, runtime.Object, error) {
			if away.Load() {
				return true, nil, syscall.ECONNREFUSED
			}
			return false, nil, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		var at time.Time
		w.onPod = func(_ *fakeStore, p *fakePod) {
			p.ready = true
			if !away.Swap(true) {
				at = time.Now()
				cancel()
			}
		}
		_, err := w.newAttempt(t, "me").runAttempt(ctx)
		if !errors.As(err, new(*InterruptedError)) {
			t.Errorf("error: %v", err)
		}
		if took := time.Since(at); at.IsZero() || took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
