package upgrade

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Origin says where a release came from: the newest revision from before the
// upgrade that is to be undone.
type Origin struct {
	// Release is namespace/name.
	Release string
	// Revision is the one that was there before. It may have failed: the way
	// back leads to the newest that was carried through and is not newer.
	Revision int
}

// Revision is one revision of a release, as Helm's own record says.
type Revision struct {
	Number int
	// Status and Description are Helm's.
	Status, Description string
}

// Origins says where the newest upgrade that changed a release started, with
// those that it resumed: from the journals of all attempts, as [journal.List]
// sorts them, and from what Helm's records say of the revisions that these
// upgrades made. history has the revisions of each release, by namespace/name.
// An upgrade that was undone already counts as well, so that the same question
// has the same answer while it is undone. The result is sorted by release; it is
// empty where no upgrade changed anything.
//
// Journals may be anybody's work: one that contradicts Helm's records is an
// error.
func Origins(runs []journal.Run, history map[string][]Revision) ([]Origin, error) {
	i := slices.IndexFunc(runs, func(r journal.Run) bool {
		return r.Kind != plan.KindRollback && (r.Called() || madeAny(r, history))
	})
	if i < 0 {
		return nil, nil
	}
	first := map[string]int{}
	note := func(target string, from int) {
		if was, known := first[target]; from > 0 && (!known || from < was) {
			first[target] = from
		}
	}
	for _, r := range append(journal.Lineage(runs, runs[i]), runs[i]) {
		if r.Kind == plan.KindRollback {
			continue
		}
		for _, s := range r.Steps {
			from := s.RevisionBefore()
			if from > 0 {
				if err := contradicted(history[s.Target], s.Target, from+1); err != nil {
					return nil, err
				}
			}
			note(s.Target, from)
		}
		for target, revisions := range history {
			for _, h := range revisions {
				if journal.MadeByPlan(h.Description, r.Plan) {
					note(target, h.Number-1)
				}
			}
		}
	}
	var list []Origin
	for target, revision := range first {
		list = append(list, Origin{target, revision})
	}
	slices.SortFunc(list, func(a, b Origin) int { return cmp.Compare(a.Release, b.Release) })
	return list, nil
}

// madeAny reports whether Helm's records show a revision that a run made.
func madeAny(r journal.Run, history map[string][]Revision) bool {
	for _, revisions := range history {
		if slices.ContainsFunc(revisions, func(h Revision) bool { return journal.MadeByPlan(h.Description, r.Plan) }) {
			return true
		}
	}
	return false
}

// contradicted returns an error where a journal claims a revision that Helm
// carried through for somebody else: those of ours say so in their description.
func contradicted(history []Revision, target string, revision int) error {
	for _, h := range history {
		through := h.Status == "deployed" || h.Status == "superseded"
		if h.Number == revision && through && !strings.Contains(h.Description, journal.DescriptionPrefix) {
			return message.Errorf("reading journals: one says that an upgrade made revision %d of release %q\nreceived: description %q\nexpected: one that names the upgrade's plan",
				revision, target, h.Description)
		}
	}
	return nil
}
