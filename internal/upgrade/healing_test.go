package upgrade

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// startHealing makes the drives of store one heal for so long after its last pod came
// back, and the store yellow meanwhile.
func startHealing(w *fakeCluster, d time.Duration) {
	var since time.Time
	w.onFacts = func(f *plan.Facts) { // called with the lock held
		one := w.stores[0]
		if one.revision == 0 || one.health != "green" {
			return
		}
		if since.IsZero() {
			since = time.Now()
			time.AfterFunc(d, func() { w.updateState(func() {}) })
		}
		if time.Since(since) < d {
			f.Stores[0].DrivesHealing, f.Stores[0].Health = 3, "yellow"
		}
	}
}

func TestHealingIsWaitedForBeyondTheTimeout(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		startHealing(w, 5*time.Hour)
		x := w.newAttempt(t, "me")
		x.opts.Timeout = 10 * time.Minute
		out, err := x.runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		if took := out.Ended.Sub(out.Started); took < 5*time.Hour {
			t.Errorf("the next store was started after %s", took)
		}
		for _, want := range []string{"ObjectStore/ns-one/one: 3 drives are healing; everything else is ready", "everything else is ready, for 10m", "everything else is ready, for 4h50m"} {
			if !x.told.hasWaitedFor(want) {
				t.Errorf("not told: %s", want)
			}
		}
	})
}

func TestHealingIsNotWaitedForBeyondTheDeadline(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		startHealing(w, 5*time.Hour)
		x := w.newAttempt(t, "me")
		x.opts.Deadline, x.opts.RollbackOnFailure = time.Now().Add(2*time.Hour), true
		began := time.Now()
		_, err := x.runAttempt(t.Context())
		var healing *HealingError
		var stopped *StoppedError
		if !errors.As(err, &stopped) || !errors.As(err, &healing) || stopped.Step != "store-one" || !stopped.Changed {
			t.Fatalf("error: %v", err)
		}
		for _, want := range []string{"deadline exceeded while drives were healing", "healing: ObjectStore/ns-one/one: 3 drives are healing", "hint: helm aistor upgrade"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("received: %v\nexpected: %s", err, want)
			}
		}
		if took := time.Since(began); took != 2*time.Hour {
			t.Errorf("it ended after %s", took)
		}
		if n := len(w.releases["ns-one/one"]); n != 2 {
			t.Errorf("a store that heals was taken back: %d revisions", n)
		}
		if n := len(w.releases["ns-two/two"]); n != 1 {
			t.Errorf("the next store was started")
		}
		// The same command continues waiting, and then continues.
		x = w.newAttempt(t, "me")
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		if took := time.Since(began); took < 5*time.Hour || len(w.releases["ns-one/one"]) != 2 {
			t.Errorf("the next store was started after %s, the first one has %d revisions", took, len(w.releases["ns-one/one"]))
		}
	})
}

// A pod that goes while drives heal is what the time-out is for.
func TestWhatBreaksWhileDrivesHealHasTheTimeout(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		startHealing(w, 5*time.Hour)
		x := w.newAttempt(t, "me")
		x.opts.Timeout = 10 * time.Minute
		time.AfterFunc(2*time.Hour, func() { w.updateState(func() { w.stores[0].pods[0].ready = false }) })
		began := time.Now()
		var timeout *TimeoutError
		if _, err := x.runAttempt(t.Context()); !errors.As(err, &timeout) || !strings.Contains(err.Error(), "Pod/ns-one/one-pool-0-0") || !strings.Contains(err.Error(), "3 drives are healing") {
			t.Errorf("error: %v", err)
		}
		if took := time.Since(began); took < 2*time.Hour+10*time.Minute || took > 2*time.Hour+11*time.Minute {
			t.Errorf("it ended after %s", took)
		}
	})
}

// Where the operator's step restarts a store, that store's own step, which
// restarts it again, waits until its drives have healed.
func TestTheOperatorsStepWaitsForHealingOfWhatItRestarts(t *testing.T) {
	t.Parallel()
	e := &Executor{plan: &plan.Plan{}, journal: &journal.Journal{Run: journal.Run{Baseline: map[string]string{"a/s": "green", "b/s": "green", "c/s": "yellow"}}}}
	f := &plan.Facts{Stores: []plan.Store{{Namespace: "a", Name: "s", DrivesHealing: 1}, {Namespace: "b", Name: "s", DrivesHealing: 2}, {Namespace: "c", Name: "s", DrivesHealing: 3}, {Namespace: "d", Name: "s"}}}
	s := plan.Step{Action: plan.ActionOperator, Restarts: []plan.Restart{{Store: "a/s"}, {Store: "c/s"}, {Store: "d/s"}}}
	if got := strings.Join(e.healingStores(f, s), "\n"); got != "ObjectStore/a/s: 1 drive is healing" {
		t.Errorf("received: %s", got)
	}
}
