package journal

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Unfinished is the newest of runs, as [List] sorts them, if it changed the
// cluster, did not reach its end, and no other run resumed it; otherwise nil.
func Unfinished(runs []Run) *Run {
	if len(runs) == 0 {
		return nil
	}
	r := &runs[0]
	if !r.Changed() || r.Finished || r.Result() == resultDone || r.ResumedBy != "" {
		return nil
	}
	return r
}

// Lineage are the runs of other plans that a run resumed, the oldest first.
func Lineage(runs []Run, of Run) []Run {
	var out []Run
	for r := before(runs, &of); r != nil; r = before(runs, r) {
		if r.Plan == of.Plan || slices.ContainsFunc(out, func(o Run) bool { return o.Plan == r.Plan }) {
			break
		}
		out = append(out, *r)
	}
	slices.Reverse(out)
	return out
}

// before is the run that r resumed, nil where there was none.
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

// OpenReleases are the releases that a run changed without seeing how that
// ended.
func (r Run) OpenReleases() []string {
	open := slices.Clone(r.Open)
	for _, s := range r.Steps {
		if !s.Action.ChangesRelease() {
			continue
		}
		if s.Status.Over() || s.Changed {
			open = slices.DeleteFunc(open, func(target string) bool { return target == s.Target })
		}
		if s.Changed && !s.Status.Over() {
			open = append(open, s.Target)
		}
	}
	return open
}

// OrphanedBindings are the bindings a run deleted for a release it did not
// upgrade.
func (r Run) OrphanedBindings() []images.Object {
	open := slices.Clone(r.Orphans)
	for _, s := range r.Steps {
		open = append(open, s.Saved...)
		if s.Action == plan.ActionOperator && s.Status.Over() {
			open = nil
		}
	}
	return open
}

// Called reports whether the run itself began a Helm operation.
func (r Run) Called() bool {
	return slices.ContainsFunc(r.Steps, func(s StepRecord) bool { return s.RevisionBefore() > 0 })
}

// RevisionBefore is the release's revision before the step's first Helm operation, or 0
// where there was none.
func (s StepRecord) RevisionBefore() int {
	if !s.Action.ChangesRelease() {
		return 0
	}
	from := s.Before
	for _, own := range s.Own {
		from = min(from, own-1)
	}
	return from
}

// NewestUpgrade is the newest of runs that upgraded a release, or nil.
func NewestUpgrade(runs []Run) *Run {
	if i := newestUpgrade(runs); i >= 0 {
		return &runs[i]
	}
	return nil
}

func newestUpgrade(runs []Run) int {
	return slices.IndexFunc(runs, func(r Run) bool { return r.Kind != plan.KindRollback && r.Called() })
}
