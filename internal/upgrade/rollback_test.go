package upgrade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// confirm is what records of attempts, the oldest first, say to Helm's records.
// Each record is created ten minutes after the one before.
func confirm(t *testing.T, ev journal.Evidence, records ...journal.Run) *journal.Confirmed {
	t.Helper()
	client := fake.NewSimpleClientset()
	for i, r := range records {
		r.APIVersion = plan.APIVersion
		if len(r.Attempts) == 0 {
			r.Attempts = []journal.Attempt{{Number: i + 1, Result: "done"}}
		}
		doc, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		cm := &core.ConfigMap{
			ObjectMeta: meta.ObjectMeta{Name: fmt.Sprint("record-", i), Namespace: "aistor", CreationTimestamp: meta.NewTime(minute(10 * i)),
				Labels: map[string]string{"app.kubernetes.io/managed-by": journal.ManagedBy}},
			Data: map[string]string{"run.json": string(doc)},
		}
		if _, err := client.CoreV1().ConfigMaps("aistor").Create(t.Context(), cm, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := journal.Read(t.Context(), client, "aistor")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(all.Runs()); n == 0 && len(records) > 0 {
		t.Fatal("no record can be read")
	}
	return all.Confirm(ev)
}

func minute(n int) time.Time { return time.Date(2026, 1, 2, 3, n, 0, 0, time.UTC) }

// digestOf is a plan's digest, its beginning told by one digit.
func digestOf(digit string) string { return "sha256:" + strings.Repeat(digit, 64) }

// revision is one that was made so many minutes after the first record, for a
// plan or with another description.
func revision(number int, status, description string, at int) journal.Revision {
	if len(description) == 1 {
		description = journal.DescriptionPrefix + strings.Repeat(description, 12) + " step s chart sha256:1"
	}
	return journal.Revision{Number: number, Status: status, Description: description, Chart: "c", Version: "2", Values: "v", Begun: minute(at), Created: minute(at)}
}

// made is a step that saw the end of revisions, which began so many minutes
// after the first record.
func made(target string, before int, own map[int]int) journal.StepRecord {
	s := journal.StepRecord{ID: target, Action: plan.ActionOperator, Target: target, Status: journal.StepDone, Changed: true, Before: before, Begun: map[int]time.Time{}}
	for number, at := range own {
		s.Own, s.Begun[number] = append(s.Own, number), minute(at)
	}
	return s
}

func TestOriginsAreWhatWasThereBeforeTheUpgrade(t *testing.T) {
	t.Parallel()
	upgrade := func(digit, resumes string, steps ...journal.StepRecord) journal.Run {
		r := journal.Run{Kind: plan.KindPlan, Plan: digestOf(digit), Steps: steps}
		if resumes != "" {
			r.Resumes, r.ChangedBefore = digestOf(resumes), true
		}
		return r
	}
	stopped := func(r journal.Run) journal.Run { r.Attempts = []journal.Attempt{{Result: "stopped"}}; return r }
	back := func(steps ...journal.StepRecord) journal.Run {
		return journal.Run{Kind: plan.KindRollback, Plan: digestOf("f"), Steps: steps}
	}
	first, second := revision(1, "superseded", "Install complete", -60), revision(2, "superseded", "a", 1)
	two := map[string][]journal.Revision{"n/r": {first, second, revision(3, "deployed", "b", 11)}}
	call := journal.StepRecord{ID: "s", Action: plan.ActionOperator, Target: "n/r", Status: journal.StepStarted, Changed: true, Before: 1, Calling: true, Called: minute(0),
		Making: &journal.Operation{Chart: "c", Version: "2", Values: "v"}}
	for _, tc := range []struct {
		name    string
		records []journal.Run // the oldest first
		history map[string][]journal.Revision
		want    []Origin
		doubts  string // ConfigMaps
	}{
		{"nothing was ever done", nil, nil, nil, ""},
		{"an upgrade that only looked", []journal.Run{upgrade("a", "")}, nil, nil, ""},
		{"two hops and a store", []journal.Run{upgrade("a", "")}, map[string][]journal.Revision{
			"n/r": {first, second, revision(3, "deployed", "ticket 7 ("+journal.DescriptionPrefix+"aaaaaaaaaaaa step x chart y)", 2)},
			"s/s": {revision(7, "superseded", "Upgrade complete", -9), revision(8, "deployed", "a", 3)},
		}, []Origin{{"n/r", 1}, {"s/s", 7}}, ""},
		{"a killed one that another resumed", []journal.Run{stopped(upgrade("a", "")), upgrade("b", "a")}, two, []Origin{{"n/r", 1}}, ""},
		{"two, of which the first had ended", []journal.Run{upgrade("a", ""), upgrade("b", "a")}, two, []Origin{{"n/r", 2}}, ""},
		{"only the newest of two", []journal.Run{upgrade("a", ""), upgrade("b", "")}, two, []Origin{{"n/r", 2}}, ""},
		{"one that was undone already", []journal.Run{upgrade("a", ""), back(made("n/r", 2, map[int]int{3: 11}))},
			map[string][]journal.Revision{"n/r": {first, second, revision(3, "deployed", "Rollback to 1", 11)}}, []Origin{{"n/r", 1}}, ""},
		{"undone by itself when it failed", []journal.Run{stopped(upgrade("a", "", made("n/r", 2, map[int]int{2: 1, 3: 2})))},
			map[string][]journal.Revision{"n/r": {first, revision(2, "failed", "Upgrade failed: x", 1), revision(3, "deployed", "Rollback to 1", 2)}}, []Origin{{"n/r", 1}}, ""},
		{"killed in the middle of Helm", []journal.Run{stopped(upgrade("a", "", call))},
			map[string][]journal.Revision{"n/r": {first, revision(2, "pending-upgrade", "Preparing upgrade", 1)}}, []Origin{{"n/r", 1}}, ""},
		{"killed before Helm began", []journal.Run{upgrade("a", "", made("n/r", 0, nil)), stopped(upgrade("b", "", call))},
			map[string][]journal.Revision{"n/r": {first, second}}, []Origin{{"n/r", 1}}, "record-1"},
		{"the newest failed at once, after one that had ended", []journal.Run{upgrade("a", ""), stopped(upgrade("b", "", made("n/r", 2, map[int]int{3: 11})))},
			map[string][]journal.Revision{"n/r": {first, second, revision(3, "failed", "Upgrade failed: x", 11)}}, []Origin{{"n/r", 2}}, ""},
		{"a release that was uninstalled since", []journal.Run{upgrade("a", "", made("gone/gone", 3, map[int]int{4: 2}))},
			map[string][]journal.Revision{"n/r": {first, second}}, []Origin{{"n/r", 1}}, ""},
		// What somebody writes who may create ConfigMaps.
		{"forged: one that never was", []journal.Run{upgrade("a", ""), upgrade("e", "", made("n/r", 0, map[int]int{1: -60}))},
			map[string][]journal.Revision{"n/r": {first, second}}, []Origin{{"n/r", 1}}, "record-1"},
		{"forged: absurd revisions", []journal.Run{upgrade("a", ""), upgrade("e", "", made("n/r", 900, nil), made("s/s", 5, nil))},
			map[string][]journal.Revision{"n/r": {first, second}}, []Origin{{"n/r", 1}}, "record-1"},
		{"forged: a target that Helm does not know", []journal.Run{upgrade("a", ""), upgrade("e", "", made("x/y", 1, map[int]int{2: 1}))},
			map[string][]journal.Revision{"n/r": {first, second}}, []Origin{{"n/r", 1}}, "record-1"},
		{"forged: nothing real beside it", []journal.Run{upgrade("e", "", made("n/r", 1, map[int]int{2: 1}))},
			map[string][]journal.Revision{"n/r": {first, revision(2, "deployed", "Upgrade complete", -30)}}, nil, "record-0"},
		{"forged: another attempt at an older plan", []journal.Run{upgrade("a", ""), upgrade("b", ""), upgrade("a", "", made("n/r", 0, map[int]int{1: -60}))},
			two, []Origin{{"n/r", 2}}, ""},
		{"forged: the newest resumed an older one", []journal.Run{upgrade("a", ""), upgrade("b", ""), upgrade("b", "a")}, two, []Origin{{"n/r", 2}}, ""},
		{"forged: an older one never ended, and was resumed", []journal.Run{upgrade("a", ""), upgrade("b", ""), stopped(upgrade("a", "")), stopped(upgrade("b", "a"))},
			two, []Origin{{"n/r", 2}}, ""},
		{"forged: the newest was a rollback", []journal.Run{upgrade("a", ""), upgrade("b", ""),
			{Kind: plan.KindRollback, Plan: digestOf("b"), Steps: []journal.StepRecord{made("n/r", 2, nil)}}}, two, []Origin{{"n/r", 2}}, ""},
		{"forged: another digest that begins alike", []journal.Run{upgrade("a", ""), {Kind: plan.KindRollback, Plan: digestOf("a")},
			{Kind: plan.KindPlan, Plan: "sha256:aaaaaaaaaaaa", Resumes: digestOf("c"), ChangedBefore: true}}, map[string][]journal.Revision{"n/r": {first, second}}, []Origin{{"n/r", 1}}, "record-2"},
		{"forged: a copy of a real claim, for another plan", []journal.Run{stopped(upgrade("a", "", made("n/r", 1, map[int]int{2: 1}))), upgrade("e", "", made("n/r", 1, map[int]int{2: 1}))},
			map[string][]journal.Revision{"n/r": {first, revision(2, "failed", "Upgrade failed: x", 1)}}, []Origin{{"n/r", 1}}, "record-1"},
		{"forged: somebody else's failed revision", []journal.Run{upgrade("a", ""), stopped(upgrade("e", "", made("n/r", 2, map[int]int{3: 5})))},
			map[string][]journal.Revision{"n/r": {first, second, revision(3, "failed", "Upgrade failed: x", 5)}}, []Origin{{"n/r", 1}}, "record-1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			complete := !strings.Contains(tc.name, "uninstalled")
			c := confirm(t, journal.Evidence{Revisions: tc.history, Complete: complete}, tc.records...)
			if diff := cmp.Diff(tc.want, Origins(c)); diff != "" {
				t.Errorf("origins (-want +got):\n%s", diff)
			}
			var doubts []string
			for _, d := range c.Doubts {
				doubts = append(doubts, d.ConfigMap)
			}
			if got := strings.Join(doubts, " "); got != tc.doubts {
				t.Errorf("doubts %q, expected %q: %v", got, tc.doubts, c.Doubts)
			}
		})
	}
}

// backPlan takes store one of the fixture back to its revision 1.
func backPlan(t *testing.T, w *fakeCluster, holder string) *execution {
	t.Helper()
	x := w.newAttempt(t, holder)
	c := x.in.Stores[0]
	c.From, c.To, c.Revision, c.Values = c.To, c.From, 1, storeValues("old")
	c.Before, c.After = c.After, []images.Object{{
		"apiVersion": "aistor.min.io/v1", "kind": "ObjectStore", "metadata": map[string]any{"name": c.Store},
		"spec": map[string]any{"image": "reg.example/aistor/minio:old"},
	}}
	x.in.Operator, x.in.Stores = nil, []plan.Change{c}
	s := planStep(c, "store-one", plan.ActionStore)
	s.Store, s.Revision = c.StoreKey(), 1
	s.Before = s.Before[:1]
	x.plan = &plan.Plan{Kind: plan.KindRollback, Cluster: plan.Cluster{UID: "cluster-1"}, Steps: []plan.Step{s, {ID: "validate", Action: plan.ActionValidate}}}
	w.onBack = func(r RollbackRequest) {
		time.AfterFunc(time.Second, func() { w.rollStore(w.stores[0], "reg.example/aistor/minio:old") })
	}
	return x
}

// checkRolledBack fails the test unless store one is what it was.
func (w *fakeCluster) checkRolledBack(t *testing.T) {
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
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		x := backPlan(t, w, "me again")
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkRolledBack(t)
		if !x.told.hasWaitedFor("of 4 updated") {
			t.Error("it did not wait for the pods")
		}
	})
}

// Helm takes the newest revision for what is installed, whatever became of it.
func TestRollbackThatWasKilledIsDroppedAndMadeAnew(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.onRequest = func(point string) {
			if point == "helm half" {
				panic(killSignal{point})
			}
		}
		if _, dead, err := backPlan(t, w, "killed").runUntilKilled(t.Context()); !dead {
			t.Fatalf("it was not killed: %v", err)
		}
		w.onRequest, w.calls = nil, nil
		x := backPlan(t, w, "me again")
		x.lease.HolderGone = func(string) bool { return true }
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkRolledBack(t)
		if n := len(w.releases["ns-one/one"]); n != 3 {
			t.Errorf("%d revisions are kept: %+v", n, w.releases["ns-one/one"])
		}
	})
}

func TestErrorsOfARollbackSaySo(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		x := backPlan(t, w, "me again")
		x.opts.Validate = func(context.Context) (string, error) { return "", errors.New("a pod is missing") }
		_, err := x.runAttempt(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), `rolling back: running step "validate": a pod is missing`) {
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
		{"the new server never ran", 0, false, "ns-one/one is rolled back to revision 1 and ready", true},
		{"the new server ran and crashed", 3, false, "has run reg.example/aistor/minio:new", false},
		{"the plan calls it forward only", 0, true, "it cannot be rolled back", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
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
					time.AfterFunc(time.Second, func() { w.rollStore(w.stores[0], "reg.example/aistor/minio:old") })
				}
				x := w.newAttempt(t, "me")
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
				_, err := x.runAttempt(t.Context())
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
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		x := backPlan(t, w, "me again")
		x.in.Stores[0].After[0]["spec"] = map[string]any{}
		c := upgradeInputs().Operator[0]
		c.Before = operatorDefaults("reg.example/aistor/minio:new")
		c.After = operatorDefaults("reg.example/aistor/minio:old")
		x.in.Operator = []plan.Change{c}
		w.onFacts = func(f *plan.Facts) {
			for i := range f.Stores {
				f.Stores[i].Image = images.Ref{}
			}
		}
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func operatorDefaults(minio string) []images.Object {
	return []images.Object{{"kind": "ConfigMap", "metadata": map[string]any{"name": "object-store-operator"}, "data": map[string]any{"minio": "image: " + minio}}}
}
