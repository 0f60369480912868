package upgrade

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Remainder reports whether now is what is left of a plan after runs did the
// rest of it: nil says that going on with now is carrying that plan out. It
// asks for no more than the plan did, and whatever is no longer as the plan
// expects it was changed by one of these runs. facts are those that now was
// made from. Otherwise the error, often a [DriftError], says where they part.
//
// It is for plans that were reviewed: a rerun makes its plan anew, from what
// the interrupted run left, and that has another digest.
func Remainder(reviewed, now *plan.Plan, facts *plan.Facts, runs []journal.Run) error {
	ours := descendants(reviewed.Digest(), runs)
	// With the same steps, nothing that a run did accounts for a difference.
	if reviewed.Digest() == now.Digest() || !slices.ContainsFunc(ours, journal.Run.Changed) {
		return departed(reviewed, now)
	}
	if !sameData(frame(reviewed), frame(now)) {
		return departed(frame(reviewed), frame(now))
	}
	for _, s := range now.Steps {
		if !mutates(s) {
			continue
		}
		if err := remains(reviewed, s, facts, ours); err != nil {
			return err
		}
	}
	return nil
}

// departed is the error of a plan that is not the one at hand.
func departed(reviewed, now *plan.Plan) error {
	return fmt.Errorf("it was edited, or made for another state: %s", now.Departs(reviewed))
}

// frame is a plan without what doing a part of it changes.
func frame(p *plan.Plan) *plan.Plan {
	f := *p
	f.Steps, f.Images, f.Refusals, f.Warnings, f.Preflight, f.Claims = nil, nil, nil, nil, nil, nil
	return &f
}

// descendants are the run of a plan and those that went on from it.
func descendants(digest string, runs []journal.Run) []journal.Run {
	plans := map[string]bool{digest: true}
	for range runs { // a chain is at most as long as there are runs
		for _, r := range runs {
			if plans[r.Resumes] {
				plans[r.Plan] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(runs), func(r journal.Run) bool { return !plans[r.Plan] })
}

// remains judges one step of what is left.
func remains(reviewed *plan.Plan, s plan.Step, facts *plan.Facts, ours []journal.Run) error {
	rel := releaseFact(facts, s.Target)
	mine := rel != nil && journal.OwnsRevision(ours, s.Target, journal.RevisionOf(*rel))
	i := slices.IndexFunc(reviewed.Steps, func(w plan.Step) bool { return w.ID == s.ID })
	if i < 0 {
		if s.Action == plan.ActionUnstick && mine { // a kill of ours left it pending
			return nil
		}
		return fmt.Errorf("it has no step %s", s.ID)
	}
	w := reviewed.Steps[i]
	if s.Action == plan.ActionMend {
		return within(w, s)
	}
	if !reflect.DeepEqual(w.To, s.To) || w.Action != s.Action || w.Target != s.Target || w.Store != s.Store ||
		w.Values != s.Values || w.Revision != s.Revision || !slices.Equal(w.ValuesFiles, s.ValuesFiles) {
		return fmt.Errorf("step %s differs", s.ID)
	}
	if err := noWorse(w, s); err != nil {
		return err
	}
	if rel == nil || mine {
		return nil
	}
	return untouched(reviewed, s.Target, rel)
}

// within demands that a step deletes nothing that was not reviewed.
func within(w, s plan.Step) error {
	for _, o := range s.Objects {
		if !slices.Contains(w.Objects, o) {
			return fmt.Errorf("step %s would also delete %s", s.ID, o)
		}
	}
	return nil
}

// noWorse demands that a step restarts nothing that was not reviewed, and
// nothing all at once that was to go one by one.
func noWorse(w, s plan.Step) error {
	for _, r := range s.Restarts {
		i := slices.IndexFunc(w.Restarts, func(o plan.Restart) bool { return o.Store == r.Store })
		if i < 0 || r.How == plan.AllAtOnce && w.Restarts[i].How != plan.AllAtOnce {
			return fmt.Errorf("step %s would now restart the pods of %s %s", s.ID, r.Store, r.How)
		}
	}
	return nil
}

// untouched demands that a release that no run of ours changed is at the
// revision that the plan was made for.
func untouched(reviewed *plan.Plan, target string, rel *plan.Release) error {
	for _, w := range reviewed.Steps {
		if w.Target != target || !changesRelease(w) {
			continue
		}
		for _, f := range w.Before {
			if f.Field == plan.FieldRevision {
				return compare(f, fmt.Sprint(rel.Revision))
			}
		}
	}
	return nil
}

// releaseFact finds a release by namespace/name.
func releaseFact(f *plan.Facts, key string) *plan.Release {
	if f.Operator != nil && f.Operator.Key() == key {
		return f.Operator
	}
	for i := range f.Releases {
		if f.Releases[i].Key() == key {
			return &f.Releases[i]
		}
	}
	return nil
}
