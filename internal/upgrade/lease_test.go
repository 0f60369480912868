package upgrade

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// heldBy puts a lease of another client into the world.
func (w *fakeCluster) heldBy(t *testing.T, holder string, renewed time.Time) *coordination.Lease {
	t.Helper()
	at := meta.NewMicroTime(renewed)
	l := &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: lease.Name, Namespace: "aistor"}}
	l.Spec.HolderIdentity, l.Spec.RenewTime, l.Spec.AcquireTime = &holder, &at, &at
	l, err := w.client.CoordinationV1().Leases("aistor").Create(t.Context(), l, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLeaseOfALiveRunKeepsTheSecondOneOut(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		since := time.Now()
		l := w.heldBy(t, "other", since)
		time.AfterFunc(8*time.Second, func() {
			at := meta.NowMicro()
			l.Spec.RenewTime = &at
			_, _ = w.client.CoordinationV1().Leases("aistor").Update(t.Context(), l, meta.UpdateOptions{})
		})
		_, err := w.newAttempt(t, "me").runAttempt(t.Context())
		busy, ok := errors.AsType[*BusyError](err)
		if !ok || busy.Holder != "other" || !busy.Since.Equal(since) {
			t.Fatalf("error: %v", err)
		}
		if len(w.calls) != 0 {
			t.Errorf("requests beside the lease: %v", w.calls)
		}
	})
}

// The clock of one of two machines may be wrong by hours.
func TestLeaseOfALiveRunWhoseClockIsBehindKeepsTheSecondOneOut(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		l := w.heldBy(t, "other", time.Now().Add(-2*time.Hour))
		time.AfterFunc(8*time.Second, func() {
			l.Spec.RenewTime = new(meta.NewMicroTime(time.Now().Add(-2 * time.Hour)))
			_, _ = w.client.CoordinationV1().Leases("aistor").Update(t.Context(), l, meta.UpdateOptions{})
		})
		_, err := w.newAttempt(t, "me").runAttempt(t.Context())
		if _, busy := errors.AsType[*BusyError](err); !busy {
			t.Fatalf("error: %v", err)
		}
	})
}

func TestLeaseOfADeadRunIsTakenOver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		setup func(t *testing.T, w *fakeCluster, x *execution)
		most  time.Duration
	}{
		{"silent for as long as it lasts", func(t *testing.T, w *fakeCluster, x *execution) { w.heldBy(t, "dead", time.Now()) }, 33 * time.Second},
		{"silent since long ago", func(t *testing.T, w *fakeCluster, x *execution) { w.heldBy(t, "dead", time.Now().Add(-25*time.Hour)) }, 33 * time.Second},
		{"on a machine whose clock is behind", func(t *testing.T, w *fakeCluster, x *execution) { w.heldBy(t, "dead", time.Now().Add(-time.Hour)) }, 33 * time.Second},
		{"known to be gone", func(t *testing.T, w *fakeCluster, x *execution) {
			w.heldBy(t, "dead", time.Now())
			x.lease.HolderGone = func(h string) bool { return h == "dead" }
		}, 0},
		{"given back", func(t *testing.T, w *fakeCluster, x *execution) { w.heldBy(t, "", time.Now()) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				x := w.newAttempt(t, "me")
				tt.setup(t, w, x)
				began := time.Now()
				x.opts.StopAfter = "backup"
				out, err := x.runAttempt(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if took := out.Attempts[0].Started.Sub(began); took > tt.most {
					t.Errorf("taken over after %s", took)
				}
			})
		})
	}
}

func TestLeaseIsRenewedWhileAStepWaitsAndGivenBackAtTheEnd(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		stale := false
		w.onPod = func(_ *fakeStore, p *fakePod) {
			l, err := w.client.CoordinationV1().Leases("aistor").Get(t.Context(), lease.Name, meta.GetOptions{})
			stale = stale || err != nil || holderOf(l) != "me" || time.Since(l.Spec.RenewTime.Time) > 15*time.Second
			p.ready = true
		}
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		l, err := w.client.CoordinationV1().Leases("aistor").Get(t.Context(), lease.Name, meta.GetOptions{})
		if err != nil || holderOf(l) != "" || stale {
			t.Errorf("holder %q, stale %t, error %v", holderOf(l), stale, err)
		}
	})
}

// stealLease gives the lease to another client.
func (w *fakeCluster) stealLease(t *testing.T) {
	t.Helper()
	leases := w.client.CoordinationV1().Leases("aistor")
	l, err := leases.Get(t.Context(), lease.Name, meta.GetOptions{})
	if err == nil {
		l.Spec.HolderIdentity = new("thief")
		_, err = leases.Update(t.Context(), l, meta.UpdateOptions{})
	}
	if err != nil {
		t.Error(err)
	}
}

// Whoever took the lease over may be about to create the same bindings.
func TestBindingsAreNotBroughtBackWithoutTheLease(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onUpgrade = func(UpgradeRequest) error { w.stealLease(t); return errors.New("refused") }
		x := w.newAttempt(t, "me")
		if _, err := x.runAttempt(t.Context()); !errors.As(err, new(*StoppedError)) {
			t.Fatalf("error: %v", err)
		}
		if got := w.bindingRole(t, "aistor-object-store"); got != "" {
			t.Errorf("role is %q", got)
		}
		if len(x.told.alarmMessages()) != 1 {
			t.Errorf("alarms: %v", x.told.alarmMessages())
		}
	})
}

func TestLostLeaseStopsAfterTheRequestUnderWay(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onHalf = func(r UpgradeRequest) {
			if r.Name == "one" {
				w.stealLease(t)
			}
		}
		_, err := w.newAttempt(t, "me").runAttempt(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || !errors.As(err, new(*lease.LostError)) || stopped.Step != "store-one" || !stopped.Changed {
			t.Fatalf("error: %v", err)
		}
		if h := w.releases["ns-one/one"]; h[len(h)-1].Status != "deployed" {
			t.Error("helm was cut off")
		}
		l, _ := w.client.CoordinationV1().Leases("aistor").Get(t.Context(), lease.Name, meta.GetOptions{})
		if holderOf(l) != "thief" {
			t.Errorf("the lease of somebody else was given back: %q", holderOf(l))
		}
		if slices.Contains(w.calls, "validate") {
			t.Error("the run went on")
		}
	})
}

// A run that finds that its lease is lost has done with the cluster, whatever it
// was about to do: also the journal stays as it was.
func TestRunThatLostItsLeaseWritesNothingMore(t *testing.T) {
	t.Parallel()
	bindings := 0
	tests := []struct {
		name string
		at   func(point string) bool
	}{
		{"before its first journal", func(p string) bool { return p == "facts" }},
		{"before the bindings are deleted", func(p string) bool { return p == "preflight" }},
		{"between two bindings", func(p string) bool {
			if p == "binding delete" {
				bindings++
			}
			return bindings == 1
		}},
		{"before Helm", func(p string) bool { return p == "binding delete" }},
		{"in the middle of Helm", func(p string) bool { return p == "helm half" }},
		{"after Helm", func(p string) bool { return p == "helm upgraded" }},
		{"before validation", func(p string) bool { return p == "validate" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				stolen, after := false, []string(nil)
				w.onRequest = func(p string) {
					if stolen {
						after = append(after, p)
					}
					if !stolen && tt.at(p) {
						stolen = true
						w.stealLease(t)
					}
				}
				x := w.newAttempt(t, "me")
				_, err := x.runAttempt(t.Context())
				stopped, ok := errors.AsType[*StoppedError](err)
				if !ok || !errors.As(err, new(*lease.LostError)) {
					t.Fatalf("error: %v", err)
				}
				if stopped.Next != "kubectl aistor-upgrade status -n aistor" || !strings.Contains(err.Error(), "held by thief") {
					t.Errorf("it says: %v", err)
				}
				for _, p := range after {
					switch p {
					case "journal create", "journal update", "journal delete", "binding create", "binding delete", "helm upgrade", "helm mark-failed", "helm rollback", "helm forget":
						t.Errorf("%s after the loss", p)
					}
				}
			})
		})
	}
}

// A lease that is lost while pods are waited for ends the waiting.
func TestRunThatLosesItsLeaseWhileItWaitsStops(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		var at time.Time
		w.onPod = func(_ *fakeStore, p *fakePod) {
			p.ready = true
			if at.IsZero() {
				at = time.Now()
				go w.stealLease(t)
			}
		}
		_, err := w.newAttempt(t, "me").runAttempt(t.Context())
		if took := time.Since(at); !errors.As(err, new(*lease.LostError)) || took > 15*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// holderOf is who is in a lease.
func holderOf(l *coordination.Lease) string {
	if l == nil || l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

func TestLeaseLostWhileTheLastStepIsCheckedIsNoSuccess(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		validated := false
		w.onRequest = func(p string) {
			switch {
			case p == "validate":
				validated = true
			case p == "deletions" && validated:
				w.stealLease(t)
			}
		}
		_, err := w.newAttempt(t, "me").runAttempt(t.Context())
		if !errors.As(err, new(*lease.LostError)) {
			t.Errorf("error: %v", err)
		}
	})
}

// The Lease may lie in the namespace of one store alone.
func TestWhoHoldsTheLeaseOfAFurtherNamespaceIsNamedWithIt(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		l := &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: lease.Name, Namespace: "ns-two"}}
		l.Spec.HolderIdentity, l.Spec.RenewTime = new("owner"), new(meta.NowMicro())
		l, err := w.client.CoordinationV1().Leases("ns-two").Create(t.Context(), l, meta.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(8*time.Second, func() {
			l.Spec.RenewTime = new(meta.NowMicro())
			_, _ = w.client.CoordinationV1().Leases("ns-two").Update(t.Context(), l, meta.UpdateOptions{})
		})
		x := w.newAttempt(t, "me")
		x.lease.Also = []string{"ns-one", "ns-two"}
		_, err = x.runAttempt(t.Context())
		want := "upgrading: another run is under way in namespace \"ns-two\": held by owner\nnothing was changed\nhint: kubectl get lease aistor-upgrade -n ns-two -o yaml"
		if err == nil || err.Error() != want {
			t.Errorf("received: %v\nexpected: %s", err, want)
		}
		if !x.told.hasMessage("lease ns-two/aistor-upgrade held by owner") {
			t.Errorf("events: %+v", x.told.events)
		}
	})
}

// A run that is held up while it takes the Leases has changed nothing.
func TestRunThatLosesTheFirstLeaseWhileItTakesFurtherOnesSaysWhoHasIt(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		stolen := false
		w.client.PrependReactor("get", "leases", func(a ktesting.Action) (bool, runtime.Object, error) {
			if a.GetNamespace() == "ns-two" && !stolen {
				stolen = true
				l := &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: lease.Name, Namespace: "aistor"}}
				l.Spec.HolderIdentity = new("second")
				if err := w.client.Tracker().Update(coordination.SchemeGroupVersion.WithResource("leases"), l, "aistor"); err != nil {
					t.Error(err)
				}
			}
			return false, nil, nil
		})
		x := w.newAttempt(t, "me")
		x.lease.Also = []string{"ns-one", "ns-two"}
		_, err := x.runAttempt(t.Context())
		for _, want := range []string{`lease "aistor/aistor-upgrade" was lost`, "received: held by second", "this run had changed nothing", "hint: kubectl aistor-upgrade status -n aistor"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("received: %v\nexpected: %s", err, want)
			}
		}
	})
}

func TestRunThatIsInterruptedWhileItWaitsForTheLeaseSaysWhatRemains(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.heldBy(t, "other", time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		_, err := w.newAttempt(t, "me").runAttempt(ctx)
		stop, ok := errors.AsType[*InterruptedError](err)
		if !ok || len(stop.Remaining) != 8 || stop.Changed {
			t.Errorf("error: %v", err)
		}
	})
}

// While a process is stopped its time-outs continue: they end first when it wakes.
func TestRunThatFailsByATimeOutSaysThatItsLeaseIsLost(t *testing.T) {
	for _, point := range []string{"facts", "watch", "push"} {
		t.Run(point, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				x := w.newAttempt(t, "me")
				steal := func() error {
					l := &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: lease.Name, Namespace: "aistor"}}
					l.Spec.HolderIdentity = new("second")
					if err := w.client.Tracker().Update(coordination.SchemeGroupVersion.WithResource("leases"), l, "aistor"); err != nil {
						t.Error(err)
					}
					return errors.New("nothing came within 1m0s")
				}
				switch point {
				case "facts":
					x.deps.Cluster = failingFacts{w, steal}
				case "watch":
					w.onWatch = func(context.Context) error { return steal() }
				default:
					x.opts.Push = func(context.Context) error { return steal() }
				}
				_, err := x.runAttempt(t.Context())
				if lost, ok := errors.AsType[*lease.LostError](err); !ok || lost.Holder != "second" {
					t.Errorf("error: %v", err)
				}
			})
		})
	}
}

type failingFacts struct {
	*fakeCluster
	fail func() error
}

func (f failingFacts) Facts(context.Context) (*plan.Facts, error) { return nil, f.fail() }
