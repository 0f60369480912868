package upgrade

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// repairStore is a plan with another image for a store, whose release is at
// another revision by now.
func repairStore(x *execution, store int) {
	c := &x.in.Stores[store]
	c.Values = storeValues("fixed")
	c.After[0]["spec"] = map[string]any{"image": "reg.example/aistor/minio:fixed"}
	i := slices.IndexFunc(x.plan.Steps, func(s plan.Step) bool { return s.Store == c.StoreKey() })
	x.plan.Steps[i].Values, x.plan.Steps[i].Before = plan.ValuesDigest(c.Values), nil
	for i, s := range x.plan.Steps {
		if s.Action == plan.ActionOperator { // as a plan says that is made after it
			x.plan.Steps[i].Unchanged, x.plan.Steps[i].Before = true, nil
		}
	}
}

// leftBroken runs an upgrade whose new image does not come for one store, and
// returns its directory of backups.
func (w *fakeCluster) leftBroken(t *testing.T, store string) (backups string) {
	t.Helper()
	w.onPod = func(s *fakeStore, p *fakePod) {
		if p.image == "reg.example/aistor/minio:new" && s.name == store {
			p.ready, p.reason, p.message = false, "ErrImagePull", "manifest unknown"
		}
	}
	x := w.newAttempt(t, "me")
	if _, err := x.runAttempt(t.Context()); !errors.As(err, new(*unrecoverableError)) {
		t.Fatalf("error of the first run: %v", err)
	}
	return x.opts.BackupDir
}

// A store that an upgrade left broken is what its next upgrade repairs: nobody
// waits for it to become well before.
func TestAStoreThatTheRunBeforeLeftBrokenIsRepairedByItsOwnStep(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		backups := w.leftBroken(t, "one")
		w.afterHelm = func(w *fakeCluster, r UpgradeRequest) {
			if r.Name != "one" {
				w.reconcileUpgrade(r)
				return
			}
			time.AfterFunc(time.Second, func() { w.rollStore(w.stores[0], "reg.example/aistor/minio:fixed") })
		}
		y := w.newReplannedAttempt(t, backups, "me again")
		repairStore(y, 0)
		began := time.Now()
		if _, err := y.runAttempt(t.Context()); err != nil {
			t.Fatalf("after %s: %v", time.Since(began), err)
		}
		if got := w.stores[0].image; got != "reg.example/aistor/minio:fixed" || w.stores[1].image != "reg.example/aistor/minio:new" {
			t.Errorf("images: %s, %s", got, w.stores[1].image)
		}
	})
}

// With another store to be changed before it, nothing is begun while one is
// broken.
func TestNoOtherStoreIsChangedBeforeTheOneThatIsBroken(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		backups := w.leftBroken(t, "two")
		y := w.newReplannedAttempt(t, backups, "me again")
		repairStore(y, 0)
		repairStore(y, 1)
		y.opts.Timeout = time.Minute
		n := len(w.releases["ns-one/one"])
		if _, err := y.runAttempt(t.Context()); !errors.As(err, new(*TimeoutError)) {
			t.Errorf("error: %v", err)
		}
		if len(w.releases["ns-one/one"]) != n {
			t.Error("the other store was upgraded")
		}
	})
}
