package upgrade

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Came says where a release came from: the newest revision from before the
// upgrade that is to be undone.
type Came struct {
	// Release is namespace/name.
	Release string
	// Revision is the one that was there before. It may have failed: the way
	// back leads to the newest that was carried through and is not newer.
	Revision int
}

// WayBack reads from journals, as [ReadJournals] sorts them, where the newest
// upgrade started that changed a release, with those that it went on from. An
// upgrade that was undone already counts as well, so that the same question
// has the same answer while it is undone. The result is sorted by release; it
// is empty where no upgrade changed anything.
func WayBack(runs []Run) []Came {
	i := slices.IndexFunc(runs, func(r Run) bool { return r.Kind != plan.KindRollback && r.called() })
	if i < 0 {
		return nil
	}
	first, seen := map[string]int{}, map[string]bool{}
	for r := &runs[i]; r != nil && !seen[r.Plan]; r = before(runs, r) {
		seen[r.Plan] = true
		for _, s := range r.Steps {
			if from := s.from(); from > 0 && r.Kind != plan.KindRollback {
				if was, known := first[s.Target]; !known || from < was {
					first[s.Target] = from
				}
			}
		}
	}
	var list []Came
	for target, revision := range first {
		list = append(list, Came{target, revision})
	}
	slices.SortFunc(list, func(a, b Came) int {
		if a.Release < b.Release {
			return -1
		}
		return 1
	})
	return list
}

// before is the run that r went on from, nil where there was none.
func before(runs []Run, r *Run) *Run {
	if r.Resumes == "" {
		return nil
	}
	i := slices.IndexFunc(runs, func(o Run) bool { return o.Plan == r.Resumes })
	if i < 0 {
		return nil
	}
	return &runs[i]
}

// called reports whether the run itself began a Helm operation.
func (r Run) called() bool {
	return slices.ContainsFunc(r.Steps, func(s StepRecord) bool { return s.from() > 0 })
}

// from is the release's revision before the step's first Helm operation, or 0
// where there was none.
func (s StepRecord) from() int {
	if s.Action != plan.ActionOperator && s.Action != plan.ActionStore {
		return 0
	}
	from := s.Before
	for _, own := range s.Own {
		from = min(from, own-1)
	}
	return from
}
