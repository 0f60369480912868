package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// healingReportInterval is how often healing progress is reported.
const healingReportInterval = 10 * time.Minute

// healingStores lists the stores that a step restarts and whose drives heal: no pod of
// theirs may go again before that is over.
func (e *Executor) healingStores(f *plan.Facts, s plan.Step) []string {
	var out []string
	for _, st := range f.Stores {
		key := st.Key()
		if st.DrivesHealing > 0 && (key == s.Store || e.restartsHealthyStore(s, key)) {
			out = append(out, fmt.Sprintf("ObjectStore/%s: %s healing", key, plural.CountIs(st.DrivesHealing, "drive")))
		}
	}
	return out
}

// restartsHealthyStore reports whether the operator's step restarts a store that was well
// before, and whose own step is not what repairs it.
func (e *Executor) restartsHealthyStore(s plan.Step, key string) bool {
	return slices.ContainsFunc(s.Restarts, func(r plan.Restart) bool { return r.Store == key }) &&
		!e.waitsForOwnStep(key) && !readiness.Store{Baseline: e.journal.Baseline[key]}.AcceptsUnready()
}

// waitForHealing waits while drives heal. That takes hours on large ones and moves
// nothing that could be counted, so that it is no standing still.
func (w *waiter) waitForHealing(now time.Time, healing []string) (waitDecision, error) {
	if w.healingSince.IsZero() {
		w.healingSince = now
	}
	w.quietSince = time.Time{}
	clear(w.history) // whatever troubled before is over
	took := now.Sub(w.healingSince)
	next := healingReportInterval - took%healingReportInterval
	if !w.opts.Deadline.IsZero() {
		left := w.opts.Deadline.Sub(now)
		if left <= 0 {
			return waitDecision{}, &HealingError{After: took, Healing: healing}
		}
		next = min(next, left)
	}
	waiting := slices.Clone(healing)
	for i := range waiting {
		waiting[i] += "; everything else is ready"
		if took >= healingReportInterval {
			waiting[i] += ", for " + strings.TrimSuffix(took.Truncate(healingReportInterval).String(), "0s")
		}
	}
	return waitDecision{waiting: waiting, next: next}, nil
}
