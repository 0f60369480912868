package upgrade

import (
	"fmt"

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

// keysAt demands that every store that steps may restart can get its keys.
func keysAt(f *plan.Facts, steps []plan.Step) error {
	for _, s := range steps {
		for _, r := range s.Restarts {
			if why := kesDown(f, r.Store); why != "" {
				return fmt.Errorf("%s, and a server that restarts without its keys does not come up", why)
			}
		}
	}
	return nil
}
