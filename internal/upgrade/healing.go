package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// healingNews is how often it is said how long drives have been healing.
const healingNews = 10 * time.Minute

// healing lists the stores that a step restarts and whose drives heal: no pod of
// theirs may go again before that is over.
func (e *Executor) healing(f *plan.Facts, s plan.Step) []string {
	var out []string
	for _, st := range f.Stores {
		key := st.Key()
		if st.Healing > 0 && (key == s.Store || e.restarted(s, key)) {
			out = append(out, fmt.Sprintf("ObjectStore/%s: %s healing", key, words.Are(st.Healing, "drive")))
		}
	}
	return out
}

// restarted reports whether the operator's step restarts a store that was well
// before, and whose own step is not what repairs it.
func (e *Executor) restarted(s plan.Step, key string) bool {
	return slices.ContainsFunc(s.Restarts, func(r plan.Restart) bool { return r.Store == key }) &&
		!e.ownTurn(key) && !storeTarget{baseline: e.journal.Baseline[key]}.lenient()
}

// onlyHeals reports whether a store is yellow for no other reason than that its
// drives heal: each of them is there.
func onlyHeals(s plan.Store) bool {
	return s.Health == "yellow" && s.Healing > 0 && s.Offline == 0
}

// heal waits on while drives heal. That takes hours on large ones and moves
// nothing that could be counted, so that it is no standing still.
func (w *watcher) heal(now time.Time, healing []string) (verdict, error) {
	if w.heals.IsZero() {
		w.heals = now
	}
	w.quiet = time.Time{}
	clear(w.memory) // whatever troubled before is over
	took := now.Sub(w.heals)
	next := healingNews - took%healingNews
	if !w.opts.Deadline.IsZero() {
		left := w.opts.Deadline.Sub(now)
		if left <= 0 {
			return verdict{}, &HealingError{After: took, Healing: healing}
		}
		next = min(next, left)
	}
	waiting := slices.Clone(healing)
	for i := range waiting {
		waiting[i] += "; all else is ready"
		if took >= healingNews {
			waiting[i] += ", for " + strings.TrimSuffix(took.Truncate(healingNews).String(), "0s")
		}
	}
	return verdict{waiting: waiting, next: next}, nil
}
