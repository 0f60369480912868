package upgrade

import (
	"cmp"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Origin is the rollback target of a release: the newest revision before the
// upgrade to roll back.
type Origin struct {
	// Release is namespace/name.
	Release string
	// Revision is the one that was there before. It may have failed: the way
	// back leads to the newest that was carried through and is not newer.
	Revision int
}

// Origins says where the newest upgrade that changed a release started, with
// those that it resumed: right before the oldest revision that these made, as
// Helm's records bear out. An upgrade that was undone already counts as well, so
// that the same question has the same answer while it is undone. The result is
// sorted by release; it is empty where no upgrade changed anything.
func Origins(c *journal.Confirmed) []Origin {
	i := slices.IndexFunc(c.Runs, func(r journal.Run) bool { return r.Kind != plan.KindRollback && len(c.Made(r.Plan)) > 0 })
	if i < 0 {
		return nil
	}
	undo := []journal.Run{c.Runs[i]}
	for _, r := range slices.Backward(journal.Lineage(c.Runs, c.Runs[i])) {
		if r.Finished { // nobody resumes what has ended
			break
		}
		undo = append(undo, r)
	}
	first := map[string]int{}
	for _, r := range undo {
		if r.Kind == plan.KindRollback {
			continue
		}
		for target, made := range c.Made(r.Plan) {
			if was, known := first[target]; !known || made[0]-1 < was {
				first[target] = made[0] - 1
			}
		}
	}
	var list []Origin
	for target, revision := range first {
		list = append(list, Origin{target, revision})
	}
	slices.SortFunc(list, func(a, b Origin) int { return cmp.Compare(a.Release, b.Release) })
	return list
}
