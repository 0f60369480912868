package upgrade

import (
	"strings"
	"testing"
	"time"

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
			in(t, func(t *testing.T, w *world) {
				var from time.Time
				w.onFacts = func(f *plan.Facts) { // called with the lock held
					if w.stores[0].revision == 0 {
						return
					}
					if from.IsZero() {
						from = time.Now()
						time.AfterFunc(tc.gone, func() { w.with(func() {}) })
					}
					if time.Since(from) < tc.gone {
						f.Gaps = []plan.Gap{{What: "pods in ns-one", Cause: "Unauthorized", Unknown: true}}
					}
				}
				x := w.attempt(t, "me")
				x.opts.Timeout = time.Hour
				_, err := x.run(t.Context())
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
