package upgrade

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestReleaseThatAPlanFindsStuckIsMarkedAndUpgraded(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.releases["ns-one/one"][0].Status = "superseded"
		w.releases["ns-one/one"] = append(w.releases["ns-one/one"], HelmRelease{Chart: "aistor-objectstore", Version: "1.0.13", Status: "pending-upgrade", Revision: 2})
		x := w.newAttempt(t, "me")
		x.plan.Steps = slices.Insert(x.plan.Steps, 3, plan.Step{ID: "mark-failed-one", Action: plan.ActionMarkFailed, Target: "ns-one/one"})
		i := slices.IndexFunc(x.plan.Steps, func(s plan.Step) bool { return s.ID == "store-one" })
		x.plan.Steps[i].Before[1].Value = "2"
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		if slices.Contains(w.calls, "helm rollback") {
			t.Error("a stuck release was rolled back")
		}
	})
}

// addIntermediate gives the plan a intermediate version before its target.
func addIntermediate(x *execution) {
	target := x.in.Operator[0]
	stone := target
	stone.To, stone.Intermediate = plan.ChartRef{Name: "aistor-operator", Version: "5.8.0", Digest: "sha256:580"}, true
	target.From = plan.ChartRef{Name: "aistor-operator", Version: "5.8.0"}
	x.in.Operator = []plan.Change{stone, target}
	i := slices.IndexFunc(x.plan.Steps, func(s plan.Step) bool { return s.Action == plan.ActionOperator })
	first, second := planStep(stone, "operator-5.8.0", plan.ActionOperator), planStep(target, "operator-5.10.0", plan.ActionOperator)
	second.Before[1].Value = "2"
	x.plan.Steps = slices.Replace(x.plan.Steps, i, i+1, first, second)
}

func TestSteppingStonesAreTakenInOrderAndNeverAgain(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		addIntermediate(x)
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		var versions []string
		for _, r := range w.releases["aistor/aistor"] {
			versions = append(versions, r.Version)
		}
		if got := strings.Join(versions, " "); got != "5.6.4 5.8.0 5.10.0" {
			t.Errorf("versions: %s", got)
		}
		x = w.newAttempt(t, "me")
		addIntermediate(x)
		if _, err := x.runAttempt(t.Context()); err != nil || len(w.releases["aistor/aistor"]) != 3 {
			t.Errorf("rerun: %d revisions, error %v", len(w.releases["aistor/aistor"]), err)
		}
	})
}

func TestReleaseCountsAsDoneOnlyWithItsChartsBytesAndValues(t *testing.T) {
	t.Parallel()
	to := plan.ChartRef{Name: "c", Version: "2", Digest: "sha256:22"}
	c := &plan.Change{To: to, Values: map[string]any{"replicas": 2, "license": "x"}}
	same, older := to, plan.ChartRef{Name: "c", Version: "1"}
	same.Digest = ""
	digest := plan.ValuesDigest(c.Values)
	tests := []struct {
		name string
		from plan.ChartRef
		rel  HelmRelease
		want bool
	}{
		{"deployed with these values", older, HelmRelease{Status: "deployed", Chart: "c", Version: "2", ValuesDigest: digest}, true},
		{"numbers of another type", older, HelmRelease{Status: "deployed", Chart: "c", Version: "2", Values: map[string]any{"replicas": 2.0, "license": "x"}}, true},
		{"another license", older, HelmRelease{Status: "deployed", Chart: "c", Version: "2", ValuesDigest: digest, Values: map[string]any{"replicas": 2, "license": "y"}}, false},
		{"other values by digest", older, HelmRelease{Status: "deployed", Chart: "c", Version: "2", ValuesDigest: "sha256:0"}, false},
		{"failed", older, HelmRelease{Status: "failed", Chart: "c", Version: "2", ValuesDigest: digest}, false},
		{"older", older, HelmRelease{Status: "deployed", Chart: "c", Version: "1", ValuesDigest: digest}, false},
		{"renamed", older, HelmRelease{Status: "deployed", Chart: "d", Version: "2", ValuesDigest: digest}, false},
		{"same version, bytes unknown", same, HelmRelease{Status: "deployed", Chart: "c", Version: "2", ValuesDigest: digest}, false},
		{"same version, other bytes", same, HelmRelease{Status: "deployed", Chart: "c", Version: "2", ValuesDigest: digest, Description: "aistor-upgrade plan p step s chart sha256:21"}, false},
		{"same version, these bytes", same, HelmRelease{Status: "deployed", Chart: "c", Version: "2", ValuesDigest: digest, Description: "aistor-upgrade plan p step s chart sha256:22"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := plan.Step{ID: "s", From: &tt.from, To: &to, Values: digest}
			if got := (&Executor{}).matchesTarget(s, c, tt.rel); got != tt.want {
				t.Errorf("received: %t", got)
			}
		})
	}
}

func TestRollbackOnFailureCoversTheCurrentChartWhereThePlanCallsThatSafe(t *testing.T) {
	t.Parallel()
	for _, reversible := range []bool{true, false} {
		name := "forward only"
		if reversible {
			name = "reversible"
		}
		t.Run(name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				w.onUpgrade = func(r UpgradeRequest) error {
					if r.Name == "two" {
						return errors.New("refused")
					}
					return nil
				}
				x := w.newAttempt(t, "me")
				x.opts.RollbackOnFailure = true
				for i := range x.plan.Steps {
					x.plan.Steps[i].Reversible = reversible
				}
				_, err := x.runAttempt(t.Context())
				if !errors.As(err, new(*StoppedError)) {
					t.Fatalf("error: %v", err)
				}
				h := w.releases["ns-two/two"]
				last := h[len(h)-1]
				if back := last.Status == "deployed" && last.Version == "1.0.13" && last.Revision == 3; back != reversible {
					t.Errorf("last revision: %+v", last)
				}
				if one := w.releases["ns-one/one"]; one[len(one)-1].Version != "1.0.16" {
					t.Error("the store before was taken back too")
				}
				if !reversible {
					return
				}
				w.onUpgrade = nil
				again := w.newAttempt(t, "me")
				again.plan = x.plan
				if _, err := again.runAttempt(t.Context()); err != nil {
					t.Errorf("after the rollback: %v", err)
				}
			})
		})
	}
}

func TestRevisionThatNeverWorkedIsNotRolledBackTo(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.releases["ns-one/one"][0].Status = "failed"
		w.onUpgrade = func(r UpgradeRequest) error {
			if r.Name == "one" {
				return errors.New("refused")
			}
			return nil
		}
		x := w.newAttempt(t, "me")
		x.opts.RollbackOnFailure = true
		for i := range x.plan.Steps {
			x.plan.Steps[i].Reversible = true
		}
		if _, err := x.runAttempt(t.Context()); !errors.As(err, new(*StoppedError)) {
			t.Fatalf("error: %v", err)
		}
		if slices.Contains(w.calls, "helm rollback") {
			t.Error("a failed revision was brought back")
		}
	})
}

func TestSomebodyElsesPendingOperationIsNotTouched(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		h := w.releases["ns-two/two"]
		w.releases["ns-two/two"] = append(h, HelmRelease{Chart: "aistor-objectstore", Version: "1.0.13", Status: "pending-upgrade", Revision: 2})
		x := w.newAttempt(t, "me")
		for i := range x.plan.Steps {
			x.plan.Steps[i].Before = nil // a plan that relies on nothing
		}
		_, err := x.runAttempt(t.Context())
		if drift, ok := errors.AsType[*DriftError](err); !ok || drift.Field != plan.FieldStatus || drift.Received != "pending-upgrade" {
			t.Fatalf("error: %v", err)
		}
		if slices.Contains(w.calls, "helm mark-failed") {
			t.Error("somebody else's operation was marked as failed")
		}
	})
}
