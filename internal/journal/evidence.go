package journal

import (
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Evidence is what the cluster itself shows. Who may only write ConfigMaps cannot
// change it.
type Evidence struct {
	// Revisions are those of each release, by namespace/name, the oldest first:
	// all that Helm keeps, or the newest alone.
	Revisions map[string][]Revision
	// MissingBindings stand in the operator's manifest and do not exist.
	MissingBindings []plan.ObjectKey
	// Complete says that a release which Revisions lacks does not exist.
	Complete bool
}

// EvidenceOf is what facts show: of each release the newest revision.
func EvidenceOf(f *plan.Facts) Evidence {
	ev := Evidence{Revisions: map[string][]Revision{}, MissingBindings: f.MissingBindings()}
	all := f.Releases
	if f.Operator != nil {
		all = slices.Concat([]plan.InstalledRelease{*f.Operator}, all)
	}
	for _, r := range all {
		ev.Revisions[r.Key()] = []Revision{RevisionOf(r)}
	}
	return ev
}

// newest is a release's newest revision; false where the release is not known.
func (ev Evidence) newest(target string) (Revision, bool) {
	revisions := ev.Revisions[target]
	if len(revisions) == 0 {
		return Revision{}, false
	}
	return revisions[len(revisions)-1], true
}

// last is when the newest revision of all was made.
func (ev Evidence) last() time.Time {
	var last time.Time
	for target := range ev.Revisions {
		if newest, _ := ev.newest(target); newest.at().After(last) {
			last = newest.at()
		}
	}
	return last
}

// at is when a revision was made: by the API server's clock, or else by that of
// whoever called Helm.
func (r Revision) at() time.Time {
	if !r.Created.IsZero() {
		return r.Created
	}
	return r.Begun
}

// deletedBindings is when the newest of records was written that says it deleted
// a binding which is missing; false where none does.
func deletedBindings(records []record, ev Evidence) (time.Time, bool) {
	for _, r := range slices.Backward(records) {
		for _, s := range r.run.Steps {
			for _, o := range s.Saved {
				key := plan.KeyOf(o, "")
				key.APIVersion = ""
				if slices.Contains(ev.MissingBindings, key) {
					return r.created, true
				}
			}
		}
	}
	return time.Time{}, false
}
