package upgrade

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestOriginsAreWhatWasThereBeforeTheUpgrade(t *testing.T) {
	t.Parallel()
	step := func(target string, before int, own ...int) journal.StepRecord {
		return journal.StepRecord{Action: plan.ActionOperator, Target: target, Before: before, Own: own}
	}
	upgrade := func(digest, resumes string, steps ...journal.StepRecord) journal.Run {
		return journal.Run{Kind: plan.KindPlan, Plan: digest, Resumes: resumes, Steps: steps}
	}
	rollback := journal.Run{Kind: plan.KindRollback, Plan: "back", Resumes: "a", Steps: []journal.StepRecord{step("n/r", 3, 4)}}
	for _, tc := range []struct {
		name string
		runs []journal.Run
		want []Origin
	}{
		{"nothing was ever done", nil, nil},
		{"an upgrade that only looked", []journal.Run{upgrade("a", "")}, nil},
		{"two hops and a store", []journal.Run{upgrade("a", "", step("n/r", 1, 2), step("n/r", 2, 3), step("s/s", 7, 8))}, []Origin{{"n/r", 1}, {"s/s", 7}}},
		{"a killed one that another went on from", []journal.Run{upgrade("b", "a", step("n/r", 2, 3)), upgrade("a", "", step("n/r", 1))}, []Origin{{"n/r", 1}}},
		{"one that was undone already", []journal.Run{rollback, upgrade("a", "", step("n/r", 1, 2, 3))}, []Origin{{"n/r", 1}}},
		{"undone by itself when it failed", []journal.Run{upgrade("a", "", step("n/r", 2, 2, 3))}, []Origin{{"n/r", 1}}},
		{"only the newest of two", []journal.Run{upgrade("b", "", step("n/r", 5, 6)), upgrade("a", "", step("n/r", 1, 2))}, []Origin{{"n/r", 5}}},
		{"two that went on from each other", []journal.Run{upgrade("b", "a", step("n/r", 2, 3)), upgrade("a", "b", step("n/r", 1, 2))}, []Origin{{"n/r", 1}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Origins(tc.runs, nil)
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("error %v, origins (-want +got):\n%s", err, diff)
			}
		})
	}
}

// A journal says only what its writer wants it to say; Helm's records say which
// revisions an upgrade made.
func TestOriginsFollowHelmsRecords(t *testing.T) {
	t.Parallel()
	operator := journal.StepRecord{Action: plan.ActionOperator, Target: "n/r", Before: 1, Own: []int{2}}
	run := journal.Run{Kind: plan.KindPlan, Plan: "sha256:0123456789abcdef", Steps: []journal.StepRecord{operator}}
	ours := "aistor-upgrade plan 0123456789ab step x chart sha256:1"
	tests := []struct {
		name    string
		run     journal.Run
		history map[string][]Revision
		want    []Origin
		err     string
	}{
		{"a store that the journal no longer names", run, map[string][]Revision{
			"n/r": {{1, "superseded", "Install complete"}, {2, "deployed", ours}},
			"s/s": {{3, "superseded", "Upgrade complete"}, {4, "deployed", "change 7 (" + ours + ")"}},
		}, []Origin{{"n/r", 1}, {"s/s", 3}}, ""},
		{"a journal without any step", journal.Run{Plan: run.Plan}, map[string][]Revision{
			"n/r": {{1, "superseded", "Install complete"}, {2, "superseded", ours}, {3, "deployed", ours}},
		}, []Origin{{"n/r", 1}}, ""},
		{"a revision of another plan", run, map[string][]Revision{
			"n/r": {{1, "superseded", "Install complete"}, {2, "deployed", ours}},
			"s/s": {{2, "deployed", "aistor-upgrade plan ffffffffffff step x chart sha256:1"}},
		}, []Origin{{"n/r", 1}}, ""},
		{"a journal that claims somebody else's revision", run, map[string][]Revision{
			"n/r": {{1, "superseded", "Install complete"}, {2, "superseded", "Upgrade complete"}, {5, "deployed", ours}},
		}, nil, `one says that an upgrade made revision 2 of release "n/r"`},
		{"a revision that failed half way", run, map[string][]Revision{
			"n/r": {{1, "deployed", "Install complete"}, {2, "failed", "Upgrade \"r\" failed: x"}},
		}, []Origin{{"n/r", 1}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Origins([]journal.Run{tt.run}, tt.history)
			if (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("error: %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("origins (-want +got):\n%s", diff)
			}
		})
	}
}

// backPlan takes store one of the fixture back to its revision 1.
func backPlan(t *testing.T, w *world, holder string) *execution {
	t.Helper()
	x := w.attempt(t, holder)
	c := x.in.Stores[0]
	c.From, c.To, c.Revision, c.Values = c.To, c.From, 1, values("old")
	c.Before, c.After = c.After, []images.Object{{
		"apiVersion": "aistor.min.io/v1", "kind": "ObjectStore", "metadata": map[string]any{"name": c.Store},
		"spec": map[string]any{"image": "reg.example/aistor/minio:old"},
	}}
	x.in.Operator, x.in.Stores = nil, []plan.Change{c}
	s := step(c, "store-one", plan.ActionStore)
	s.Store, s.Revision = c.StoreKey(), 1
	s.Before = s.Before[:1]
	x.plan = &plan.Plan{Kind: plan.KindRollback, Cluster: plan.Cluster{UID: "cluster-1"}, Steps: []plan.Step{s, {ID: "validate", Action: plan.ActionValidate}}}
	w.onBack = func(r RollbackRequest) {
		time.AfterFunc(time.Second, func() { w.roll(w.stores[0], "reg.example/aistor/minio:old") })
	}
	return x
}

// back fails the test unless store one is what it was.
func (w *world) back(t *testing.T) {
	t.Helper()
	h := w.releases["ns-one/one"]
	last := h[len(h)-1]
	if last.Version != "1.0.13" || last.Status != "deployed" || !strings.HasPrefix(last.Description, "Rollback to 1") {
		t.Errorf("newest revision: %+v", last)
	}
	for i, p := range w.stores[0].pods {
		if p.image != "reg.example/aistor/minio:old" || !p.ready {
			t.Errorf("pod %d runs %s, ready %t", i, p.image, p.ready)
		}
	}
}

func TestRollbackWaitsUntilTheOldPodsAreReady(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		if _, err := w.attempt(t, "me").run(t.Context()); err != nil {
			t.Fatal(err)
		}
		x := backPlan(t, w, "me again")
		if _, err := x.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.back(t)
		if !x.told.waited("of 4 updated") {
			t.Error("it did not wait for the pods")
		}
	})
}

// Helm takes the newest revision for what is installed, whatever became of it.
func TestRollbackThatWasKilledIsDroppedAndMadeAnew(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		if _, err := w.attempt(t, "me").run(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.onRequest = func(point string) {
			if point == "helm half" {
				panic(killed{point})
			}
		}
		if _, dead, err := backPlan(t, w, "killed").runUntilKilled(t.Context()); !dead {
			t.Fatalf("it was not killed: %v", err)
		}
		w.onRequest, w.calls = nil, nil
		x := backPlan(t, w, "me again")
		x.lease.HolderGone = func(string) bool { return true }
		if _, err := x.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.back(t)
		if n := len(w.releases["ns-one/one"]); n != 3 {
			t.Errorf("%d revisions are kept: %+v", n, w.releases["ns-one/one"])
		}
	})
}

func TestErrorsOfARollbackSaySo(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		if _, err := w.attempt(t, "me").run(t.Context()); err != nil {
			t.Fatal(err)
		}
		x := backPlan(t, w, "me again")
		x.opts.Validate = func(context.Context) (string, error) { return "", errors.New("a pod is missing") }
		_, err := x.run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), `rolling back: carrying out step "validate": a pod is missing`) {
			t.Errorf("error: %v", err)
		}
	})
}

func TestAFailedStepIsUndoneOnlyWhereThatIsSafe(t *testing.T) {
	for _, tc := range []struct {
		name     string
		restarts int
		forward  bool // the step is not reversible
		message  string
		back     bool
	}{
		{"the new server never ran", 0, false, "ns-one/one is back at revision 1 and ready", true},
		{"the new server ran and crashed", 3, false, "has run reg.example/aistor/minio:new", false},
		{"the plan calls it forward only", 0, true, "it is forward only from here", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				w.onPod = func(_ *fakeStore, p *fakePod) {
					if p.image == "reg.example/aistor/minio:old" {
						return
					}
					p.ready, p.restarts, p.reason, p.message = false, tc.restarts, "ErrImagePull", "manifest unknown"
					if tc.restarts > 0 {
						p.reason, p.message = "CrashLoopBackOff", "back-off"
					}
				}
				w.onBack = func(RollbackRequest) {
					time.AfterFunc(time.Second, func() { w.roll(w.stores[0], "reg.example/aistor/minio:old") })
				}
				x := w.attempt(t, "me")
				x.opts.RollbackOnFailure = true
				for i := range x.plan.Steps {
					x.plan.Steps[i].Reversible = !tc.forward
				}
				for i := range x.in.Stores {
					c := &x.in.Stores[i]
					c.Before = []images.Object{{
						"apiVersion": "aistor.min.io/v1", "kind": "ObjectStore", "metadata": map[string]any{"name": c.Store},
						"spec": map[string]any{"image": "reg.example/aistor/minio:old"},
					}}
				}
				_, err := x.run(t.Context())
				stop, ok := errors.AsType[*StoppedError](err)
				if !ok || !stop.Changed || !strings.Contains(err.Error(), tc.message) {
					t.Fatalf("error: %v", err)
				}
				h := w.releases["ns-one/one"]
				if got := h[len(h)-1].Version == "1.0.13"; got != tc.back {
					t.Errorf("newest revision: %+v", h[len(h)-1])
				}
				if op := w.releases["aistor/aistor"]; op[len(op)-1].Version != "5.10.0" {
					t.Error("another chart was taken back too")
				}
			})
		})
	}
}

// A rollback that was cut off in the operator's step may have taken the
// operator's defaults back already, while the next attempt begins with the
// stores again.
func TestOnTheWayBackAStoreWithoutAnImageMayRunEitherDefault(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		if _, err := w.attempt(t, "me").run(t.Context()); err != nil {
			t.Fatal(err)
		}
		x := backPlan(t, w, "me again")
		x.in.Stores[0].After[0]["spec"] = map[string]any{}
		c := inputs().Operator[0]
		c.Before = operatorDefaults("reg.example/aistor/minio:new")
		c.After = operatorDefaults("reg.example/aistor/minio:old")
		x.in.Operator = []plan.Change{c}
		w.onFacts = func(f *plan.Facts) {
			for i := range f.Stores {
				f.Stores[i].Image = images.Ref{}
			}
		}
		if _, err := x.run(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func operatorDefaults(minio string) []images.Object {
	return []images.Object{{"kind": "ConfigMap", "metadata": map[string]any{"name": "object-store-operator"}, "data": map[string]any{"minio": "image: " + minio}}}
}
