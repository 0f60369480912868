package readiness

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// StoreFingerprints are fingerprints of what the operator writes for each store.
func StoreFingerprints(f *plan.Facts) map[string]string {
	m := map[string]string{}
	for _, s := range f.Stores {
		var b strings.Builder
		for _, w := range f.StatefulSetsOf(s.Key()) {
			fmt.Fprintf(&b, "%s %d %s;", w.Name, w.Generation, w.UpdateRevision)
		}
		m[s.Key()] = b.String()
	}
	return m
}

// CompareFingerprints compares a store, or all where key is empty, with what was before: a
// store that is not as before has reacted.
func CompareFingerprints(f *plan.Facts, key string, before map[string]string) (print string, needed bool) {
	now := StoreFingerprints(f)
	keys := make([]string, 0, len(now))
	for k := range now {
		if key == "" || k == key {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		print += k + "=" + now[k] + "\n"
		needed = needed || now[k] == before[k]
	}
	return print, needed
}

// PodProgress names the ready pods in scope that carry the newest revision, and
// counts the others. A pod that comes and goes counts once for each revision, so
// that it cannot put the time-out off for ever.
func PodProgress(f *plan.Facts, inScope func(plan.Pod) bool) (done []string, left int) {
	for _, p := range f.Pods {
		switch {
		case !inScope(p):
		case p.Ready && p.Terminating.IsZero() && HasNewestRevision(f, p):
			done = append(done, PodName(p)+" "+p.Revision)
		default:
			left++
		}
	}
	return done, left
}
