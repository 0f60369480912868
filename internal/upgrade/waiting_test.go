package upgrade

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestImageThatCannotBePulledEndsTheWaitEarlyWithEvidence(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onPod = func(s *fakeStore, p *fakePod) {
			p.ready, p.reason, p.message = false, "ErrImagePull", "manifest unknown"
		}
		x := w.newAttempt(t, "me")
		began := time.Now()
		_, err := x.runAttempt(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || stopped.Step != "store-one" || !strings.Contains(err.Error(), "Pod/ns-one/one-pool-0-3: container minio: ErrImagePull: manifest unknown") {
			t.Fatalf("error: %v", err)
		}
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("gave up after %s", took)
		}
		if w.stores[1].revision != 0 {
			t.Error("the second store was started")
		}
		for _, name := range []string{"cause.txt", "warnings.txt", "ns-one_one-pool-0-3_minio.log"} {
			if b, err := os.ReadFile(filepath.Join(stopped.Evidence, name)); err != nil || name == "cause.txt" && len(b) == 0 {
				t.Errorf("evidence %s: %v", name, err)
			}
		}
	})
}

func TestTimeoutCountsFromTheLastProgressAndListsWhatIsUnready(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.podMean = 4 * time.Minute // four of them take longer than the time-out
		w.onPod = func(s *fakeStore, p *fakePod) { p.ready = s.name == "one" }
		x := w.newAttempt(t, "me")
		x.opts.Timeout = 5 * time.Minute
		_, err := x.runAttempt(t.Context())
		late, ok := errors.AsType[*TimeoutError](err)
		if !ok {
			t.Fatalf("error: %v", err)
		}
		want := []string{
			"StatefulSet/ns-two/two-pool-0: 1 of 4 updated, 3 ready",
			"Pod/ns-two/two-pool-0-3: phase Running",
			"Pod/ns-two/two-pool-0-0: runs reg.example/aistor/minio:old, not reg.example/aistor/minio:new",
			"Pod/ns-two/two-pool-0-1: runs reg.example/aistor/minio:old, not reg.example/aistor/minio:new",
			"Pod/ns-two/two-pool-0-2: runs reg.example/aistor/minio:old, not reg.example/aistor/minio:new",
			"ObjectStore/ns-two/two: health is yellow, not green",
		}
		if diff := cmp.Diff(want, late.Unready); diff != "" {
			t.Errorf("unready (-want +got):\n%s", diff)
		}
	})
}

func TestMorePodsDownThanPromisedRaisesTheAlarmAndStartsNoFurtherStore(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onRoll = func(s *fakeStore) int { return 2 }
		x := w.newAttempt(t, "me")
		out, err := x.runAttempt(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || stopped.Step != "store-two" || !stopped.Changed {
			t.Fatalf("error: %v", err)
		}
		want := []string{"2 pods of object store ns-one/one were down at the same time instead of one by one"}
		if diff := cmp.Diff(want, x.told.alarmMessages()); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
		if out.Availability[0].LowestReady != 2 {
			t.Errorf("availability: %+v", out.Availability[0])
		}
	})
}

// The operator's step promises nothing, and while Helm is still at work the
// operator takes two pods of a store: that is seen and said.
func TestPodsThatGoDownWithoutAnyPlanRaiseTheAlarmToo(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onHalf = func(r UpgradeRequest) {
			if r.Name != "aistor" {
				return
			}
			for _, ready := range []bool{false, true} {
				w.updateState(func() { w.stores[1].pods[0].ready, w.stores[1].pods[1].ready = ready, ready })
				time.Sleep(time.Second)
			}
		}
		x := w.newAttempt(t, "me")
		out, err := x.runAttempt(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || stopped.Step != "store-one" {
			t.Fatalf("error: %v", err)
		}
		want := []string{"2 pods of object store ns-two/two were down at the same time although no restart was planned"}
		if diff := cmp.Diff(want, x.told.alarmMessages()); diff != "" {
			t.Errorf("alarms (-want +got):\n%s", diff)
		}
		if a := out.Availability[1]; a.LowestReady != 2 {
			t.Errorf("availability: %+v", a)
		}
	})
}

func TestAllAtOnceIsNoAlarmWhereItWasPlanned(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onRoll = func(s *fakeStore) int { return 4 }
		x := w.newAttempt(t, "me")
		for i := range x.plan.Steps {
			for j := range x.plan.Steps[i].Restarts {
				x.plan.Steps[i].Restarts[j].Strategy = plan.AllAtOnce
			}
		}
		out, err := x.runAttempt(t.Context())
		if err != nil || len(x.told.alarmMessages()) != 0 || out.Availability[0].LowestReady != 0 {
			t.Errorf("error %v, alarms %v, availability %+v", err, x.told.alarmMessages(), out.Availability[0])
		}
	})
}

func TestStoresThatTheOperatorRollsAreAwaitedBeforeTheNextStep(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		var rolled []bool
		w.afterHelm = func(w *fakeCluster, r UpgradeRequest) {
			if r.Name == "aistor" {
				// Nobody has seen when the operator reacts: here it is after
				// everything looked ready.
				time.AfterFunc(15*time.Second, func() { w.rollStore(w.stores[1], w.stores[1].image) })
			} else {
				rolled = append(rolled, !slices.ContainsFunc(w.stores[1].pods, func(p *fakePod) bool { return p.revision == 0 || !p.ready }))
			}
			w.reconcileUpgrade(r)
		}
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]bool{true, true}, rolled); diff != "" {
			t.Errorf("settled before each store (-want +got):\n%s", diff)
		}
	})
}

func TestNextStepBeginsAtTheEventThatMakesTheStoreReady(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		var ready, next time.Time
		w.onPod = func(s *fakeStore, p *fakePod) {
			p.ready = true
			if s.name == "one" {
				ready = time.Now()
			}
		}
		w.onHalf = func(r UpgradeRequest) {
			if r.Name == "two" {
				next = time.Now()
			}
		}
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		if gap := next.Sub(ready); gap > 200*time.Millisecond {
			t.Errorf("%s passed between the last ready pod and the next store", gap)
		}
	})
}

// A watch that lags behind shows a cluster that looks ready because it has not
// received from the change.
func TestWatchThatLagsBehindIsNotBelieved(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		old := w.takeSnapshot()
		x := w.newAttempt(t, "me")
		x.plan.Steps = x.plan.Steps[:5]                      // up to the operator
		x.in.Operator[0].After[0]["spec"] = map[string]any{} // nothing but its generation tells the new Deployment
		lag := time.Now().Add(40 * time.Second)
		x.deps.Cluster = laggingCluster{w, old, lag}
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		if time.Now().Before(lag) {
			t.Error("the step ended before the watch showed the change")
		}
	})
}

// laggingCluster is a cluster whose watch shows an old state until a time.
type laggingCluster struct {
	*fakeCluster
	old   *plan.Facts
	until time.Time
}

func (l laggingCluster) Watch(context.Context, Scope) (ClusterWatcher, error) {
	time.AfterFunc(time.Until(l.until), func() { l.updateState(func() {}) })
	return lagLive{liveWorld{l.fakeCluster}, l}, nil
}

type lagLive struct {
	liveWorld
	lag laggingCluster
}

func (l lagLive) Snapshot() *plan.Facts {
	if time.Now().Before(l.lag.until) {
		return l.lag.old
	}
	return l.liveWorld.Snapshot()
}

// unavailableError is what client-go reports while nothing listens.
func unavailableError() error { return apierrors.NewServiceUnavailable("the API server is away") }

func TestApiServerThatGoesAwayForAMinuteIsSurvived(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		failed := 0
		w.onUpgrade = func(r UpgradeRequest) error {
			if r.Name == "one" && failed == 0 {
				failed++
				return unavailableError()
			}
			return nil
		}
		x := w.newAttempt(t, "me")
		x.deps.Cluster = &unavailableCluster{fakeCluster: w, until: time.Now().Add(time.Minute)}
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		if failed != 1 {
			t.Error("the API server never went away")
		}
	})
}

// unavailableCluster is a cluster whose API server is away until a time.
type unavailableCluster struct {
	*fakeCluster
	until time.Time
}

func (f *unavailableCluster) Facts(ctx context.Context) (*plan.Facts, error) {
	if time.Now().Before(f.until) {
		return nil, unavailableError()
	}
	return f.fakeCluster.Facts(ctx)
}

func TestFailingProbesAreCountedAsUnavailability(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.deps.Prober = proberFunc(func(store string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			s := w.stores[slices.IndexFunc(w.stores, func(s *fakeStore) bool { return s.storeKey() == store })]
			switch {
			case s.name == "two":
				return ErrNotProbed
			case !s.pods[2].ready:
				return errors.New("503")
			}
			return nil
		})
		out, err := x.runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		one, two := out.Availability[0], out.Availability[1]
		if got := time.Duration(one.Unavailable); !one.Known || got < 29*time.Second || got > 31*time.Second || one.Failed < 29 || one.Failed > 31 {
			t.Errorf("availability: known %t, %d of %d failed, %s", one.Known, one.Failed, one.Probes, got)
		}
		if len(one.At) != 1 || one.At[0] != x.deps.Prober.EndpointOf(one.Store) {
			t.Errorf("asked at %q", one.At)
		}
		if n := len(one.Outages); n != 1 || one.Outages[0].To.Sub(one.Outages[0].From) != time.Duration(one.Unavailable) {
			t.Errorf("outages: %+v of %s in all", one.Outages, time.Duration(one.Unavailable))
		}
		if two.Known || two.Probes != 0 || two.Unanswered < 29 {
			t.Errorf("a store that could not be asked: %+v", two)
		}
	})
}

// An API server that comes back may refuse for a moment what it has granted
// before. Who never might ask is not asked again.
func TestARefusalAmongAnswersDoesNotEndTheProbes(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		asked := map[string]int{}
		x := w.newAttempt(t, "me")
		x.deps.Prober = proberFunc(func(store string) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			asked[store]++
			if store == "ns-two/two" || asked[store] == 5 {
				return ErrMayNotProbe
			}
			return nil
		})
		out, err := x.runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if one := out.Availability[0]; !one.Known || one.Probes < 100 || one.Unanswered != 1 {
			t.Errorf("availability: known %t, %d probes, %d unanswered", one.Known, one.Probes, one.Unanswered)
		}
		if asked["ns-two/two"] != 1 {
			t.Errorf("asked %d times", asked["ns-two/two"])
		}
	})
}

type proberFunc func(store string) error

func (f proberFunc) Probe(_ context.Context, store string) error { return f(store) }

func (f proberFunc) EndpointOf(string) string { return "https://s3.example.com/minio/health/cluster" }

// A store's chart that leaves the spec as it is gives the operator nothing to
// do: nobody waits for a reaction. One that a killed run left in place may not
// have been reacted to.
func TestAReactionIsWaitedForWhereThereMayBeOne(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*plan.Step)
		quick  bool
	}{
		{"the spec stays", func(s *plan.Step) { s.Restarts = nil }, true},
		{"the spec changes", func(*plan.Step) {}, false},
		{"in place already", func(s *plan.Step) { s.Restarts, s.Unchanged = nil, true }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				w.afterHelm = func(w *fakeCluster, r UpgradeRequest) {
					if r.Name == "aistor" {
						w.reconcileUpgrade(r)
						return
					}
					w.updateState(func() {
						for _, s := range w.stores { // what a chart of another version alone brings
							if s.name == r.Name {
								s.image = "reg.example/aistor/minio:new"
								for _, p := range s.pods {
									p.image = s.image
								}
							}
						}
					})
				}
				x := w.newAttempt(t, "me")
				for i := range x.plan.Steps {
					if x.plan.Steps[i].Action == plan.ActionStore {
						tc.change(&x.plan.Steps[i])
					}
				}
				out, err := x.runAttempt(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range out.Steps {
					if took := s.Ended.Sub(s.Started); strings.HasPrefix(s.ID, "store-") && (took < 5*time.Second) != tc.quick {
						t.Errorf("%s took %s", s.ID, took)
					}
				}
			})
		})
	}
}
