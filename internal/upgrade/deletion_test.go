package upgrade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// deleteClaims marks the claims of a store for deletion, as kubectl delete does
// while pods use them.
func (w *fakeCluster) deleteClaims(s *fakeStore) {
	w.updateState(func() {
		for i := range s.claims {
			s.claims[i].Terminating = time.Now()
		}
	})
}

// stoppedBy fails the test unless a run stopped because of deletions.
func stoppedBy(t *testing.T, err error, step string, words ...string) {
	t.Helper()
	var deletion *DeletionError
	stopped, ok := errors.AsType[*StoppedError](err)
	if !ok || !errors.As(err, &deletion) || stopped.Step != step {
		t.Fatalf("received %v, expected a stop at %q because of deletions", err, step)
	}
	for _, word := range append(words, "hint: kubectl aistor-upgrade preflight --only nothing-deleting,volumes-kept,volumes-bound") {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q:\n%v", word, err)
		}
	}
}

// Whatever holds data and is marked before a step begins, the step restarts
// nothing.
func TestAStepDoesNotBeginWhileSomethingIsBeingDeleted(t *testing.T) {
	for _, tt := range []struct {
		name string
		mark func(w *fakeCluster, f *plan.Facts)
		want string
	}{
		{"all claims of a store", func(_ *fakeCluster, f *plan.Facts) { markClaims(f, "ns-one") }, "persistentvolumeclaim ns-one/data-one-pool-0-0 is marked for deletion since"},
		{"one claim of the other store", func(_ *fakeCluster, f *plan.Facts) { markOne(f, "data-two-pool-0-3") }, "persistentvolumeclaim ns-two/data-two-pool-0-3 is marked"},
		{"an object store", func(_ *fakeCluster, f *plan.Facts) { f.Stores[0].Terminating = time.Now() }, "objectstore ns-one/one is marked"},
		{"a namespace", func(_ *fakeCluster, f *plan.Facts) {
			f.Namespaces = []plan.Namespace{{Name: "ns-one", Terminating: time.Now()}}
		}, "namespace ns-one is marked"},
		{"the definition", func(_ *fakeCluster, f *plan.Facts) {
			f.CRDs = []plan.CRD{{Name: "objectstores.aistor.min.io", Established: true, Terminating: time.Now()}}
		}, "customresourcedefinition objectstores.aistor.min.io is marked"},
		{"a volume", func(_ *fakeCluster, f *plan.Facts) {
			f.Volumes = []plan.Volume{{Name: "pv", ClaimNamespace: "ns-one", ClaimName: "data-one-pool-0-0", Terminating: time.Now()}}
		}, "persistentvolume pv is marked"},
		{"an object of a manifest", func(_ *fakeCluster, f *plan.Facts) {
			f.Marked = []plan.MarkedObject{{ObjectKey: plan.ObjectKey{Kind: "ConfigMap", Namespace: "aistor", Name: "object-store-operator"}, Terminating: time.Now()}}
		}, "configmap aistor/object-store-operator is marked"},
		{"a claim that is gone", func(_ *fakeCluster, f *plan.Facts) { f.Claims = f.Claims[1:] }, "persistentvolumeclaim ns-one/data-one-pool-0-0 was deleted; its volume was pv-data-one-pool-0-0"},
		{"a claim that is another one", func(_ *fakeCluster, f *plan.Facts) { f.Claims[0].UID, f.Claims[0].Volume = "new", "pv-new" }, "its volume was pv-data-one-pool-0-0 and is pv-new now"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				begun := false
				w.onRequest = func(point string) { begun = begun || point == "push" }
				w.onFacts = func(f *plan.Facts) {
					if begun {
						tt.mark(w, f)
					}
				}
				_, err := w.newAttempt(t, "me").runAttempt(t.Context())
				stoppedBy(t, err, "recreate-bindings-5.10.0", tt.want, "nothing was changed")
				for _, call := range []string{"helm upgrade", "binding delete"} {
					if slices.Contains(w.calls, call) {
						t.Errorf("the run did %q", call)
					}
				}
			})
		})
	}
}

func markClaims(f *plan.Facts, namespace string) {
	for i := range f.Claims {
		if f.Claims[i].Namespace == namespace {
			f.Claims[i].Terminating = time.Now()
		}
	}
}

func markOne(f *plan.Facts, name string) {
	i := slices.IndexFunc(f.Claims, func(c plan.Claim) bool { return c.Name == name })
	f.Claims[i].Terminating = time.Now()
}

// Between two steps of a running upgrade the claims of the next store are
// deleted: the store is not restarted.
func TestClaimsThatAreDeletedBetweenTwoStepsStopTheNextOne(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		tell := x.opts.OnEvent
		x.opts.OnEvent = func(ev Event) {
			tell(ev)
			if ev.Step == "store-one" && ev.Kind == EventDone {
				w.deleteClaims(w.stores[1])
			}
		}
		_, err := x.runAttempt(t.Context())
		stoppedBy(t, err, "store-two", "persistentvolumeclaim ns-two/data-two-pool-0-0 is marked for deletion since", "the cluster was changed")
		if n := len(w.releases["ns-two/two"]); n != 1 || w.stores[1].revision != 0 {
			t.Errorf("the store was touched: %d revisions, roll-out %d", n, w.stores[1].revision)
		}
	})
}

// While a store's pods restart its claims are deleted: that is said at once, no
// other step begins, and nothing is rolled back, which would restart the pods
// once more.
func TestClaimsThatAreDeletedWhilePodsRestartEndTheStepAtOnce(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		var at time.Time
		w.onPod = func(s *fakeStore, _ *fakePod) { // called with the lock held
			if s.name == "one" && at.IsZero() {
				at = time.Now()
				for i := range s.claims {
					s.claims[i].Terminating = at
				}
			}
		}
		x := w.newAttempt(t, "me")
		x.opts.RollbackOnFailure = true
		for i := range x.plan.Steps {
			x.plan.Steps[i].Reversible = true
		}
		_, err := x.runAttempt(t.Context())
		stoppedBy(t, err, "store-one", "persistentvolumeclaim ns-one/data-one-pool-0-0 is marked", "is not rolled back")
		alarms := x.told.alarmMessages()
		if len(alarms) == 0 || !strings.Contains(alarms[0], "marked for deletion") || !strings.Contains(alarms[0], "the operator may still restart pods") {
			t.Errorf("alarms: %v", alarms)
		}
		i := slices.IndexFunc(x.told.events, func(ev Event) bool { return ev.Kind == EventAlarm })
		if late := x.told.events[i].Time.Sub(at); late > time.Second {
			t.Errorf("said %s after it", late)
		}
		if slices.Contains(w.calls, "helm rollback") || len(w.releases["ns-two/two"]) != 1 {
			t.Errorf("pods were restarted once more, or the next store: %v", w.calls)
		}
	})
}

// A volume that was replaced while its store was upgraded is no success, even
// where all is ready in the end.
func TestAVolumeThatWasReplacedIsNoSuccess(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.opts.Validate = func(context.Context) (string, error) {
			w.updateState(func() { w.stores[0].claims[2].UID, w.stores[0].claims[2].Volume = "new", "pv-new" })
			return "all good", nil
		}
		out, err := x.runAttempt(t.Context())
		stoppedBy(t, err, "", "its volume was pv-data-one-pool-0-2 and is pv-new now")
		if last := out.Attempts[len(out.Attempts)-1]; last.Result != "stopped" {
			t.Errorf("the attempt ended as %q", last.Result)
		}
	})
}

// What the first attempt recorded counts for all that follow, also under a plan
// that was made since.
func TestALaterAttemptComparesWithTheFirstOnesRecord(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.opts.StopAfter = "store-one"
		if _, err := x.runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		runs, err := journal.List(t.Context(), w.client, "aistor")
		if err != nil || len(runs) != 1 {
			t.Fatalf("%d journals: %v", len(runs), err)
		}
		if got := runs[0].Claims["ns-two/two"]["data-two-pool-0-1"]; got != (plan.ClaimID{UID: "uid-data-two-pool-0-1", Volume: "pv-data-two-pool-0-1"}) {
			t.Errorf("recorded: %v", runs[0].Claims)
		}
		w.updateState(func() { w.stores[1].claims[1].UID, w.stores[1].claims[1].Volume = "new", "pv-new" })
		again := w.newAttempt(t, "me again")
		again.plan.Options.AllowDowngrade = true // another plan, made while the volume is another one
		again.plan.Claims = w.takeSnapshot().ClaimRecords()
		_, err = again.runAttempt(t.Context())
		stoppedBy(t, err, "store-two", "its volume was pv-data-two-pool-0-1 and is pv-new now")
	})
}

// What could not be read is not taken for well; what the user may not see
// was said before.
func TestWhatCouldNotBeLookedAtStopsAStep(t *testing.T) {
	for _, tt := range []struct {
		gap   plan.Gap
		stops bool
	}{
		{plan.Gap{Subject: "persistentvolumeclaims in ns-one", Cause: "forbidden", Denied: true}, true},
		{plan.Gap{Subject: "persistentvolumes", Cause: "the server is away", Optional: true}, true},
		{plan.Gap{Subject: "persistentvolumes", Cause: "forbidden", Denied: true, Optional: true}, false},
	} {
		t.Run(fmt.Sprint(tt.gap), func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				w.onFacts = func(f *plan.Facts) { f.Gaps = []plan.Gap{tt.gap} }
				_, err := w.newAttempt(t, "me").runAttempt(t.Context())
				if stops := err != nil && strings.Contains(err.Error(), "looking for objects that are being deleted: "+tt.gap.Subject); stops != tt.stops {
					t.Errorf("received %v", err)
				}
			})
		})
	}
}

// A journal of many claims stays within its limit, and still shows that one was
// replaced.
func TestManyClaimsAreRecordedInOneDigestForEachStore(t *testing.T) {
	t.Parallel()
	f := &plan.Facts{}
	for i := range 20_000 {
		f.Claims = append(f.Claims, plan.Claim{Namespace: "n", Name: fmt.Sprint("data-s-pool-0-", i), Store: "n/s", UID: fmt.Sprint("uid-", i), Volume: fmt.Sprint("pv-", i)})
	}
	run := journal.Run{Plan: "sha256:0", Claims: f.ClaimRecords().Summary(claimLimit)}
	if doc, err := json.Marshal(run); err != nil || len(doc) > 10_000 {
		t.Errorf("received %d bytes: %v", len(doc), err)
	}
	if found := f.ReplacedClaims(run.Claims); len(found) != 0 {
		t.Errorf("as recorded: received %v", found)
	}
	f.Claims[17_000].Volume = "pv-new"
	if found := f.ReplacedClaims(run.Claims); len(found) != 1 || found[0].Object.Name != "s" {
		t.Errorf("replaced: received %v", found)
	}
}

// The API server may go away between the look and the call of Helm.
func TestClaimsDeletedWhileTheAPIServerIsAwayKeepHelmFromBeingCalled(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		var away atomic.Bool
		changed, looked := false, false
		w.client.PrependReactor("*", "leases", func(ktesting.Action) (bool, runtime.Object, error) {
			if away.Load() {
				return true, nil, syscall.ECONNREFUSED
			}
			return false, nil, nil
		})
		w.onRequest = func(p string) {
			switch {
			case p == "binding delete":
				changed = true
			case changed && !looked && p == "deletions": // right before the operator's step
				looked = true
				away.Store(true)
				time.AfterFunc(60*time.Second, func() { w.deleteClaims(w.stores[0]) })
				time.AfterFunc(90*time.Second, func() { away.Store(false) })
			}
		}
		_, err := w.newAttempt(t, "me").runAttempt(t.Context())
		if !errors.As(err, new(*DeletionError)) {
			t.Errorf("error: %v", err)
		}
		if slices.Contains(w.calls, "helm upgrade") {
			t.Errorf("Helm was called: %q", w.calls)
		}
	})
}

// A drive that is replaced between two attempts was not replaced by the first
// one, if that changed nothing.
func TestClaimsOfAnAttemptThatChangedNothingAreNotKept(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.opts.Preflight = func(context.Context) error { return errors.New("an image is missing in the registry") }
		if _, err := x.runAttempt(t.Context()); err == nil {
			t.Fatal("no error")
		}
		w.updateState(func() { w.stores[0].claims[0].UID, w.stores[0].claims[0].Volume = "new", "pv-new-drive" })
		if _, err := w.newAttempt(t, "me again").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
	})
}
