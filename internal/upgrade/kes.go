package upgrade

import (
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkKES requires that every store that the remaining steps may restart can get its
// keys. Steps that were started continue: they may restore the keys.
func (e *Executor) checkKES(rest []plan.Step) error {
	if len(e.journal.Orphans) > 0 {
		return nil
	}
	f := e.watch.Snapshot()
	for _, s := range rest {
		if e.journal.Step(s.ID).Attempt > 0 || slices.Contains(e.journal.Open, s.Target) {
			return nil
		}
		for _, r := range s.Restarts {
			if why := readiness.KESUnavailableReason(f, r.Store); why != "" {
				return fmt.Errorf("%s; a restarted server cannot start without keys", why)
			}
		}
	}
	return nil
}
