package upgrade

import (
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// kesDown says that a store asks for KES and none of its key servers is ready:
// a server that restarts then does not come up again, since it can't read its
// keys. It is empty where one is ready, and where none is to be seen: KES may
// run elsewhere.
func kesDown(f *plan.Facts, key string) string {
	s := store(f, key)
	if s == nil || !s.KES {
		return ""
	}
	seen := 0
	for _, p := range f.Pods {
		if p.Store != key || !p.KES() || !p.Terminating.IsZero() {
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

// keys demands that every store that the rest of a group may restart can get its
// keys. What was begun already goes on: that may be what brings them back.
func (e *Executor) keys(rest []plan.Step) error {
	if len(e.journal.Orphans) > 0 {
		return nil
	}
	f := e.live.Snapshot()
	for _, s := range rest {
		if e.journal.Step(s.ID).Attempt > 0 || slices.Contains(e.journal.Open, s.Target) {
			return nil
		}
		for _, r := range s.Restarts {
			if why := kesDown(f, r.Store); why != "" {
				return fmt.Errorf("%s, and a server that restarts without its keys does not come up", why)
			}
		}
	}
	return nil
}
