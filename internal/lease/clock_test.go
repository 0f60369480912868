package lease_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
)

// While a machine sleeps its monotonic clock stands still, and its time of day
// may be set back before it wakes.
func TestMachineThatSleptWithItsClockSetBackDoubtsItsLease(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		slept time.Duration
		want  bool // the lease is still taken for held, without asking
	}{
		{"for a moment", 5 * time.Second, true},
		{"for longer than the lease lasts", time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := fake.NewSimpleClientset()
			now := time.Now()
			var boot atomic.Int64
			boot.Store(int64(time.Hour))
			l := lease.New(lease.Options{
				Client: client, Namespace: "aistor", Holder: "first", Term: 10 * time.Minute, // no renewal meanwhile
				Now: func() time.Time { return now }, SinceBoot: func() time.Duration { return time.Duration(boot.Load()) },
			})
			if err := l.Acquire(t.Context(), func(*lease.BusyError) {}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(l.Abandon)
			change(t, client, func(l *coordination.Lease) { l.Spec.HolderIdentity = new("second") })
			boot.Add(int64(tt.slept))
			if err := l.Confirm(t.Context()); errors.As(err, new(*lease.LostError)) == tt.want {
				t.Errorf("after %s: %v", tt.slept, err)
			}
		})
	}
}
