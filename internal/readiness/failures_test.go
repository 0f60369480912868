package readiness

import (
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// An event of the pod that had the name before says nothing about this one.
func TestAnEventOfThePodBeforeIsNoCause(t *testing.T) {
	t.Parallel()
	f := readyFacts()
	f.Pods[0].UID = "old"
	f.WarningEvents = []plan.Event{{
		Object: plan.ObjectKey{Kind: "Pod", Namespace: "a", Name: "s-p-0"}, Reason: "Failed", Last: time.Unix(10, 0),
		Message: `Failed to pull image "reg.example/aistor/minio:new": manifest unknown`,
	}}
	was := NewBaseline(f)
	f.Pods[0].UID, f.Pods[0].Containers[0].Reason, f.Pods[0].Containers[0].Message = "new", "ImagePullBackOff", "Back-off pulling image"
	if got := FindFailures(f, func(plan.Pod) bool { return true }, was); len(got) != 0 {
		t.Errorf("received: %+v", got)
	}
	f.WarningEvents[0].Last = time.Unix(11, 0)
	if got := FindFailures(f, func(plan.Pod) bool { return true }, was); len(got) != 1 {
		t.Errorf("once this pod failed: %+v", got)
	}
}

// Another client's workload in the namespace may have a name that begins alike.
func TestARefusalOfSomebodyElsesPodsIsNotOurs(t *testing.T) {
	t.Parallel()
	f := readyFacts()
	for _, name := range []string{"operator-of-others-7d9", "operator-7d9"} {
		ev := createRefusalEvent(`pods "x" is forbidden: exceeded quota: q`, 100)
		ev.Object = plan.ObjectKey{Kind: "ReplicaSet", Namespace: "op", Name: name}
		f.WarningEvents = append(f.WarningEvents, ev)
	}
	got := FindFailures(f, func(plan.Pod) bool { return true }, Baseline{})
	if len(got) != 1 || got[0].Key != "ReplicaSet/op/operator-7d9 create" {
		t.Errorf("received: %+v", got)
	}
}

// What keeps a pod from getting ready is not what its predecessor met, nor what
// it has got over.
func TestAPodIsNotExplainedByWhatIsPast(t *testing.T) {
	t.Parallel()
	event := func(reason string, at int64) plan.Event {
		return plan.Event{Object: plan.ObjectKey{Kind: "Pod", Namespace: "a", Name: "s-p-0"}, Reason: reason, Message: "of it", Last: time.Unix(at, 0)}
	}
	p := plan.Pod{Namespace: "a", Name: "s-p-0", Phase: "Running", Created: time.Unix(50, 0), Node: "n"}
	for _, tc := range []struct {
		name   string
		events []plan.Event
		want   string
	}{
		{"of the pod before", []plan.Event{event("FailedMount", 49)}, "phase Running"},
		{"it has its node", []plan.Event{event("Unhealthy", 51), event("FailedScheduling", 52)}, "Unhealthy: of it"},
		{"its own", []plan.Event{event("FailedMount", 50)}, "FailedMount: of it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := podFailureReason(&plan.Facts{WarningEvents: tc.events}, p); got != tc.want {
				t.Errorf("received %q, expected %q", got, tc.want)
			}
		})
	}
}

// Between two crashes a container runs for a moment; that is no recovery, while
// getting ready is one.
func TestCrashesCountOnAcrossTheMomentsBetweenThem(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_000, 0)
	look := func(m FailureHistory, after time.Duration, c plan.Container) bool {
		c.Name, c.Restarts = "minio", maxCrashes
		seen, ok := containerFailure(&plan.Facts{}, plan.Pod{}, c, Baseline{})
		var list []Failure
		if ok {
			list = []Failure{seen}
		}
		stuck, _ := m.Persistent(began.Add(after), 20*time.Second, list)
		return len(stuck) > 0
	}
	backOff, running, ready := plan.Container{Reason: "CrashLoopBackOff"}, plan.Container{}, plan.Container{Ready: true}
	m := FailureHistory{}
	if look(m, 0, backOff) || look(m, 15*time.Second, running) || look(m, 25*time.Second, running) {
		t.Error("given up while it ran")
	}
	if !look(m, 26*time.Second, backOff) {
		t.Error("the crashes began anew with each moment between them")
	}
	m = FailureHistory{}
	if look(m, 0, backOff) || look(m, 15*time.Second, ready) || look(m, 26*time.Second, backOff) {
		t.Error("given up although it was ready in between")
	}
}

func TestAStoreThatOnlyHealsLacksNothingElse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		store plan.Store
		want  bool
	}{
		{"yellow while it heals", plan.Store{Health: "yellow", DrivesHealing: 3}, true},
		{"a drive is missing too", plan.Store{Health: "yellow", DrivesHealing: 3, DrivesOffline: 1}, false},
		{"red", plan.Store{Health: "red", DrivesHealing: 3}, false},
		{"yellow and nothing heals", plan.Store{Health: "yellow"}, false},
		{"unknown", plan.Store{DrivesHealing: 3}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if lacks := len(healthProblems(tc.store, Store{Upgraded: true, WaitForHealing: true})) == 0; lacks != tc.want {
				t.Errorf("received %t, expected %t", lacks, tc.want)
			}
		})
	}
}
