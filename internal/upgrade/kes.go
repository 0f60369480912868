package upgrade

import (
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// kesUnavailableReason says that a store asks for KES and none of its key servers is ready:
// a server that restarts then does not come up again, since it cannot read its
// keys. It is empty where one is ready, and where none is to be seen: KES may
// run elsewhere.
func kesUnavailableReason(f *plan.Facts, key string) string {
	s := findStore(f, key)
	if s == nil || !s.KES {
		return ""
	}
	seen := 0
	for _, p := range f.Pods {
		if p.Store != key || !p.IsKES() || !p.Terminating.IsZero() {
			continue
		}
		if p.Ready {
			return ""
		}
		seen++
	}
	if seen == 0 {
		return ""
	}
	return fmt.Sprintf("ObjectStore/%s: none of its %d KES pods is ready", key, seen)
}

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
			if why := kesUnavailableReason(f, r.Store); why != "" {
				return fmt.Errorf("%s; a restarted server cannot start without keys", why)
			}
		}
	}
	return nil
}
