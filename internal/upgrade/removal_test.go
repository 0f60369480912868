package upgrade

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// removing lets the operator's step remove a ConfigMap that a finalizer holds for
// some time.
func (w *fakeCluster) removing(x *execution, held time.Duration) {
	x.in.Operator[0].Before = []images.Object{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "old-settings"}}}
	w.afterHelm = func(w *fakeCluster, r UpgradeRequest) {
		if r.Name == "aistor" {
			w.updateState(func() {
				w.marked = []plan.MarkedObject{{
					ObjectKey: plan.ObjectKey{Kind: "ConfigMap", Namespace: "aistor", Name: "old-settings"}, Finalizers: []string{"example.com/keep"}, Terminating: time.Now(),
				}}
			})
			time.AfterFunc(held, func() { w.updateState(func() { w.marked = nil }) })
		}
		w.reconcileUpgrade(r)
	}
}

// What the plan itself removes is no reason for the next step not to begin, but
// for its own step to wait.
func TestStepWaitsForWhatItRemovedToBeGone(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		w.removing(x, 3*time.Minute)
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		if !x.told.hasWaitedFor("ConfigMap/aistor/old-settings is marked for deletion since") || !x.told.hasWaitedFor("held by finalizer example.com/keep") {
			t.Error("nobody was told what was waited for")
		}
	})
}

func TestRemovedObjectThatAFinalizerHoldsIsNamedAlsoOnARerun(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		w.removing(x, 10*time.Hour)
		for i, attempt := range []*execution{x, x.rerunAttempt(t)} {
			attempt.in = x.in
			_, err := attempt.runAttempt(t.Context())
			for _, want := range []string{
				`running step "operator-5.10.0": what this step removed is not gone after 10m0s; everything else is ready`,
				"ConfigMap/aistor/old-settings is marked for deletion since", "held by finalizer example.com/keep",
				"\nhint: kubectl get configmap old-settings -n aistor -o yaml\n",
				`kubectl patch configmap old-settings -n aistor --type=merge -p '{"metadata":{"finalizers":null}}'`,
				"\nthen: helm aistor upgrade --plan p.yaml",
			} {
				if !errors.As(err, new(*RemovalError)) || !strings.Contains(err.Error(), want) {
					t.Fatalf("attempt %d: %v\nexpected: %s", i+1, err, want)
				}
			}
			if len(w.releases["ns-one/one"]) != 1 {
				t.Errorf("attempt %d: the next step began", i+1)
			}
		}
		w.updateState(func() { w.marked = nil })
		last := x.rerunAttempt(t)
		last.in = x.in
		if _, err := last.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
	})
}
