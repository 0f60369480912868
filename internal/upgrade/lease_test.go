package upgrade

import (
	"errors"
	"slices"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// heldBy puts a lease of somebody else into the world.
func (w *world) heldBy(t *testing.T, holder string, renewed time.Time) *coordination.Lease {
	t.Helper()
	at := meta.NewMicroTime(renewed)
	l := &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: LeaseName, Namespace: "aistor"}}
	l.Spec.HolderIdentity, l.Spec.RenewTime, l.Spec.AcquireTime = &holder, &at, &at
	l, err := w.client.CoordinationV1().Leases("aistor").Create(t.Context(), l, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLeaseOfALiveRunKeepsTheSecondOneOut(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		since := time.Now()
		l := w.heldBy(t, "other", since)
		time.AfterFunc(8*time.Second, func() {
			at := meta.NowMicro()
			l.Spec.RenewTime = &at
			_, _ = w.client.CoordinationV1().Leases("aistor").Update(t.Context(), l, meta.UpdateOptions{})
		})
		_, err := w.attempt(t, "me").run(t.Context())
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
	in(t, func(t *testing.T, w *world) {
		l := w.heldBy(t, "other", time.Now().Add(-2*time.Hour))
		time.AfterFunc(8*time.Second, func() {
			l.Spec.RenewTime = new(meta.NewMicroTime(time.Now().Add(-2 * time.Hour)))
			_, _ = w.client.CoordinationV1().Leases("aistor").Update(t.Context(), l, meta.UpdateOptions{})
		})
		_, err := w.attempt(t, "me").run(t.Context())
		if _, busy := errors.AsType[*BusyError](err); !busy {
			t.Fatalf("error: %v", err)
		}
	})
}

func TestLeaseOfADeadRunIsTakenOver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		setup func(t *testing.T, w *world, x *execution)
		most  time.Duration
	}{
		{"silent for as long as it lasts", func(t *testing.T, w *world, x *execution) { w.heldBy(t, "dead", time.Now()) }, 33 * time.Second},
		{"silent since long ago", func(t *testing.T, w *world, x *execution) { w.heldBy(t, "dead", time.Now().Add(-25*time.Hour)) }, 0},
		{"on a machine whose clock is behind", func(t *testing.T, w *world, x *execution) { w.heldBy(t, "dead", time.Now().Add(-time.Hour)) }, 33 * time.Second},
		{"known to be gone", func(t *testing.T, w *world, x *execution) {
			w.heldBy(t, "dead", time.Now())
			x.opts.HolderGone = func(h string) bool { return h == "dead" }
		}, 0},
		{"given back", func(t *testing.T, w *world, x *execution) { w.heldBy(t, "", time.Now()) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(t *testing.T, w *world) {
				x := w.attempt(t, "me")
				tt.setup(t, w, x)
				began := time.Now()
				x.opts.StopAfter = "backup"
				out, err := x.run(t.Context())
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
	in(t, func(t *testing.T, w *world) {
		stale := false
		w.onPod = func(_ *fakeStore, p *fakePod) {
			l, err := w.client.CoordinationV1().Leases("aistor").Get(t.Context(), LeaseName, meta.GetOptions{})
			stale = stale || err != nil || holderOf(l) != "me" || time.Since(l.Spec.RenewTime.Time) > 15*time.Second
			p.ready = true
		}
		if _, err := w.attempt(t, "me").run(t.Context()); err != nil {
			t.Fatal(err)
		}
		l, err := w.client.CoordinationV1().Leases("aistor").Get(t.Context(), LeaseName, meta.GetOptions{})
		if err != nil || holderOf(l) != "" || stale {
			t.Errorf("holder %q, stale %t, error %v", holderOf(l), stale, err)
		}
	})
}

// steal gives the lease to somebody else.
func (w *world) steal(t *testing.T) {
	t.Helper()
	leases := w.client.CoordinationV1().Leases("aistor")
	l, err := leases.Get(t.Context(), LeaseName, meta.GetOptions{})
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
	in(t, func(t *testing.T, w *world) {
		w.onUpgrade = func(UpgradeRequest) error { w.steal(t); return errors.New("refused") }
		x := w.attempt(t, "me")
		if _, err := x.run(t.Context()); !errors.As(err, new(*StoppedError)) {
			t.Fatalf("error: %v", err)
		}
		if got := w.role(t, "aistor-object-store"); got != "" {
			t.Errorf("role is %q", got)
		}
		if len(x.told.alarms()) != 1 {
			t.Errorf("alarms: %v", x.told.alarms())
		}
	})
}

func TestLostLeaseStopsAfterTheRequestUnderWay(t *testing.T) {
	in(t, func(t *testing.T, w *world) {
		w.onHalf = func(r UpgradeRequest) {
			if r.Name == "one" {
				w.steal(t)
			}
		}
		_, err := w.attempt(t, "me").run(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || !errors.Is(err, ErrLeaseLost) || stopped.Step != "store-one" || !stopped.Changed {
			t.Fatalf("error: %v", err)
		}
		if h := w.releases["ns-one/one"]; h[len(h)-1].Status != "deployed" {
			t.Error("helm was cut off")
		}
		l, _ := w.client.CoordinationV1().Leases("aistor").Get(t.Context(), LeaseName, meta.GetOptions{})
		if holderOf(l) != "thief" {
			t.Errorf("the lease of somebody else was given back: %q", holderOf(l))
		}
		if slices.Contains(w.calls, "validate") {
			t.Error("the run went on")
		}
	})
}
