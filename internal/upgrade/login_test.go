package upgrade

import (
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// A login that has ended while a store rolls is said after a minute, not after
// the whole time-out; one that was refused for a moment is no matter.
func TestALoginThatEndsEndsTheWait(t *testing.T) {
	for _, tc := range []struct {
		name string
		gone time.Duration
		ends bool
	}{
		{"for good", 10 * time.Hour, true},
		{"for a moment", 30 * time.Second, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				var from time.Time
				w.onFacts = func(f *plan.Facts) { // called with the lock held
					if w.stores[0].revision == 0 {
						return
					}
					if from.IsZero() {
						from = time.Now()
						time.AfterFunc(tc.gone, func() { w.updateState(func() {}) })
					}
					if time.Since(from) < tc.gone {
						f.Gaps = []plan.Gap{{Subject: "pods in ns-one", Cause: "Unauthorized", Unauthenticated: true}}
					}
				}
				x := w.newAttempt(t, "me")
				x.opts.Timeout = time.Hour
				_, err := x.runAttempt(t.Context())
				if !tc.ends {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), "no longer accepts this login (Unauthorized)") || !strings.Contains(err.Error(), "hint: helm aistor upgrade") {
					t.Errorf("error: %v", err)
				}
				if took := time.Since(from); took < time.Minute || took > 2*time.Minute {
					t.Errorf("it ended after %s", took)
				}
			})
		})
	}
}

// That drives heal, as far as was last seen, is no reason to wait on unseeing.
func TestALoginThatEndsEndsTheWaitForHealing(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_000, 0)
	now := began
	w := &waiter{history: readiness.FailureHistory{}, arrived: map[string]bool{}, lastProgress: began, opts: Options{Timeout: time.Hour, Grace: 20 * time.Second, Now: func() time.Time { return now }},
		waitGoal: waitGoal{
			unready:  func(*plan.Facts) []string { return nil },
			healing:  func(*plan.Facts) []string { return []string{"ObjectStore/a/b: 3 drives are healing"} },
			failures: func(*plan.Facts) []readiness.Failure { return nil },
			progress: func(*plan.Facts) ([]string, int) { return nil, 0 },
		}}
	seen, gone := &plan.Facts{}, &plan.Facts{Gaps: []plan.Gap{{Subject: "pods in a", Cause: "Unauthorized", Unauthenticated: true}}}
	for _, step := range []struct {
		after time.Duration
		facts *plan.Facts
		ends  bool
	}{{0, seen, false}, {3 * time.Hour, gone, false}, {30 * time.Second, seen, false}, {time.Hour, gone, false}, {30 * time.Second, gone, false}, {time.Minute, gone, true}} {
		now = now.Add(step.after)
		if v, err := w.evaluateSnapshot(step.facts); v.reached || (err != nil) != step.ends {
			t.Fatalf("after %s: reached %t, %v", now.Sub(began), v.reached, err)
		}
	}
}
