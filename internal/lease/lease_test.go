package lease_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coordination "k8s.io/api/coordination/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
)

// run takes the lease for a run of this name.
func run(t *testing.T, client kubernetes.Interface, holder string, change ...func(*lease.Options)) (*lease.Lease, error) {
	t.Helper()
	o := lease.Options{Client: client, Namespace: "aistor", Holder: holder}
	for _, c := range change {
		c(&o)
	}
	l := lease.New(o)
	return l, l.Acquire(t.Context(), func(*lease.BusyError) {})
}

func object(t *testing.T, client kubernetes.Interface) *coordination.Lease {
	t.Helper()
	l, err := client.CoordinationV1().Leases("aistor").Get(t.Context(), lease.Name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// change edits the Lease past every run.
func change(t *testing.T, client kubernetes.Interface, edit func(*coordination.Lease)) {
	t.Helper()
	l := object(t, client)
	edit(l)
	if _, err := client.CoordinationV1().Leases("aistor").Update(t.Context(), l, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// frozen is a clock that stands still for one process, as for one that is
// suspended, until it is set.
type frozen struct{ now time.Time }

func TestSuspendedRunFindsOutBeforeItsNextWrite(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		// after is what happened to the lease meanwhile.
		after func(t *testing.T, client kubernetes.Interface)
		says  []string
	}{
		{"taken over", func(t *testing.T, client kubernetes.Interface) {
			change(t, client, func(l *coordination.Lease) {
				l.Spec.HolderIdentity = new("second")
				l.Spec.AcquireTime = new(meta.NewMicroTime(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
			})
		}, []string{`lease "aistor/aistor-upgrade" was lost`, "received: held by second since 2026-01-02T03:04:05Z", "expected: held by first"}},
		{"taken over and given back", func(t *testing.T, client kubernetes.Interface) {
			change(t, client, func(l *coordination.Lease) { l.Spec.HolderIdentity = nil })
			second, err := run(t, client, "second")
			if err != nil {
				t.Fatal(err)
			}
			if err := second.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, []string{"received: not held; released by second at "}},
		{"deleted", func(t *testing.T, client kubernetes.Interface) {
			if err := client.CoordinationV1().Leases("aistor").Delete(t.Context(), lease.Name, meta.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}, []string{"received: no such Lease"}},
		{"held by a text that is none", func(t *testing.T, client kubernetes.Interface) {
			change(t, client, func(l *coordination.Lease) {
				l.Spec.HolderIdentity = new("x\nhint: run this\x1b[2J\u202e" + strings.Repeat("y", 5000))
			})
		}, []string{"received: held by x?hint: run this?[2J?yyy"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client, clock := fake.NewSimpleClientset(), &frozen{time.Now()}
			l, err := run(t, client, "first", func(o *lease.Options) {
				// A term so long that nothing is renewed while this test runs.
				o.Term, o.Now = time.Hour, func() time.Time { return clock.now }
			})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Abandon()
			if err := l.Confirm(t.Context()); err != nil {
				t.Fatalf("before it was suspended: %v", err)
			}
			tt.after(t, client)
			clock.now = clock.now.Add(2 * time.Hour)
			err = l.Confirm(t.Context())
			if _, lost := errors.AsType[*lease.LostError](err); !lost {
				t.Fatalf("error: %v", err)
			}
			for _, want := range tt.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("received: %q\nexpected: %q", err, want)
				}
			}
			if n := strings.Count(err.Error(), "\n"); n != 2 || len(err.Error()) > 700 {
				t.Errorf("%d lines, %d bytes: %q", n+1, len(err.Error()), err)
			}
			select {
			case <-l.Lost():
			default:
				t.Error("nobody is told")
			}
			before := len(client.Actions())
			if again := l.Confirm(t.Context()); again != err || l.Verify(t.Context()) != err || l.Release(t.Context()) != nil {
				t.Errorf("a loss is no loss any more: %v", again)
			}
			if n := len(client.Actions()) - before; n != 0 {
				t.Errorf("%d requests after the loss", n)
			}
		})
	}
}

// A machine that sleeps stops the monotonic clock too: the time of day continues.
func TestSleepOfTheMachineIsFoundByTheTimeOfDay(t *testing.T) {
	t.Parallel()
	client, clock := fake.NewSimpleClientset(), &frozen{time.Now()}
	l, err := run(t, client, "first", func(o *lease.Options) { o.Term, o.Now = time.Hour, func() time.Time { return clock.now } })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Abandon()
	change(t, client, func(l *coordination.Lease) { l.Spec.HolderIdentity = new("second") })
	clock.now = clock.now.Round(0).Add(2 * time.Hour) // without a monotonic part
	if err := l.Confirm(t.Context()); !errors.As(err, new(*lease.LostError)) {
		t.Errorf("error: %v", err)
	}
}

func TestLeaseThatIsHeldIsConfirmedAndRenewedAfterSleep(t *testing.T) {
	t.Parallel()
	client, clock := fake.NewSimpleClientset(), &frozen{time.Now()}
	l, err := run(t, client, "first", func(o *lease.Options) { o.Term, o.Now = time.Hour, func() time.Time { return clock.now } })
	if err != nil {
		t.Fatal(err)
	}
	clock.now = clock.now.Add(2 * time.Hour)
	if err := l.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := object(t, client).Spec.RenewTime.Time; !got.Equal(clock.now.Truncate(time.Microsecond)) && got.Sub(clock.now).Abs() > time.Millisecond {
		t.Errorf("renewed at %s, it is %s", got, clock.now)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Confirm(t.Context()); err == nil {
		t.Error("something may be written after the release")
	}
}

func TestNothingIsConfirmedBeforeTheLeaseIsTaken(t *testing.T) {
	t.Parallel()
	l := lease.New(lease.Options{Client: fake.NewSimpleClientset(), Namespace: "aistor", Holder: "me"})
	if l.Confirm(t.Context()) == nil || l.Verify(t.Context()) == nil {
		t.Error("it may write")
	}
}

func TestVerifyAsksForTheHolderEachTime(t *testing.T) {
	t.Parallel()
	client := fake.NewSimpleClientset()
	l, err := run(t, client, "first", func(o *lease.Options) { o.Term = time.Hour })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Abandon()
	change(t, client, func(l *coordination.Lease) { l.Spec.HolderIdentity = new("thief") })
	if err := l.Verify(t.Context()); !errors.As(err, new(*lease.LostError)) {
		t.Errorf("error: %v", err)
	}
}

// A run for tests has a short term, and one with a longer term must not lose its
// lease to it.
func TestTermOfTheOtherHolderCounts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		claimed int32
		at      time.Duration // when it is taken over, at the latest
	}{
		{"longer than ours", 30, 30 * time.Second},
		{"shorter than ours", 1, 6 * time.Second},
		{"none", 0, 6 * time.Second},
		{"negative", -5, 6 * time.Second},
		{"absurd", 1 << 30, 2 * time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fake.NewSimpleClientset()
				other := &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: lease.Name, Namespace: "aistor"}}
				other.Spec.HolderIdentity, other.Spec.LeaseDurationSeconds = new("suspended"), &tt.claimed
				other.Spec.RenewTime = new(meta.NowMicro())
				if _, err := client.CoordinationV1().Leases("aistor").Create(t.Context(), other, meta.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				l, err := run(t, client, "me", func(o *lease.Options) { o.Term = 6 * time.Second })
				if err != nil {
					t.Fatal(err)
				}
				defer l.Abandon()
				if took := time.Since(began); took < tt.at || took > tt.at+time.Second {
					t.Errorf("taken over after %s", took)
				}
			})
		})
	}
}

func TestRunInTheBackgroundIsToldOfTheLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewSimpleClientset()
		l, err := run(t, client, "first")
		if err != nil {
			t.Fatal(err)
		}
		change(t, client, func(l *coordination.Lease) { l.Spec.HolderIdentity = new("second") })
		began := time.Now()
		<-l.Lost()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("told after %s", took)
		}
		l.Abandon()
	})
}

func TestCurrentHolder(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name    string
		renewed time.Duration // before now
		seconds int32
		want    string
	}{
		{"renewed just now", 5 * time.Second, 30, "someone"},
		{"on a machine whose clock is ahead", -time.Hour, 30, "someone"},
		{"silent for three terms", 91 * time.Second, 30, ""},
		{"an absurd term", time.Hour, 1 << 30, ""},
		{"renewed in a far future", -1000 * time.Hour, 30, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := &coordination.Lease{ObjectMeta: meta.ObjectMeta{Name: lease.Name, Namespace: "aistor"}}
			l.Spec.HolderIdentity, l.Spec.LeaseDurationSeconds = new("someone"), &tt.seconds
			l.Spec.RenewTime = new(meta.NewMicroTime(now.Add(-tt.renewed)))
			got, err := lease.CurrentHolder(context.Background(), fake.NewSimpleClientset(l), "aistor", now)
			if err != nil || got != tt.want {
				t.Errorf("received: %q, %v\nexpected: %q", got, err, tt.want)
			}
		})
	}
}

func TestHolderIsNoOtherRuns(t *testing.T) {
	t.Parallel()
	a, b := lease.NewHolder(), lease.NewHolder()
	if a == b {
		t.Errorf("two runs of one process have one name: %s", a)
	}
	if lease.HolderGone(a) {
		t.Error("this process is said to be gone")
	}
	for _, forged := range []string{"", "a/b", "a/0/x", "a/-1/x", strings.Replace(a, "/", "/-", 1), "another" + a} {
		if lease.HolderGone(forged) {
			t.Errorf("%q is said to be gone", forged)
		}
	}
}

func TestLiveHolderIsNotTakenOverFrom(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		first, second func(began time.Time) func() time.Time
	}{
		{"whose clock is days behind", func(time.Time) func() time.Time {
			return func() time.Time { return time.Now().Add(-48 * time.Hour) }
		}, func(time.Time) func() time.Time { return time.Now }},
		{"where the first answer takes long", func(time.Time) func() time.Time { return time.Now }, func(began time.Time) func() time.Time {
			asked := false
			return func() time.Time {
				if !asked { // when the first request was sent
					asked = true
					return began.Add(-28 * time.Second)
				}
				return time.Now()
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := fake.NewSimpleClientset()
				first, err := run(t, client, "first", func(o *lease.Options) { o.Now = tt.first(time.Now()) })
				if err != nil {
					t.Fatal(err)
				}
				defer first.Abandon()
				time.Sleep(25 * time.Second)
				second, err := run(t, client, "second", func(o *lease.Options) { o.Now = tt.second(time.Now()) })
				if !errors.As(err, new(*lease.BusyError)) {
					second.Abandon()
					t.Errorf("received: %v\nexpected: a BusyError", err)
				}
			})
		})
	}
}
