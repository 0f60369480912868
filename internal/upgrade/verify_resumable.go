package upgrade

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// VerifyResumable reports whether now is what is left of a plan after runs did the
// rest of it: nil says that running now completes that plan. It
// asks for no more than the plan did, and whatever is no longer as the plan
// expects it was changed by one of these runs. facts are those that now was
// made from. Otherwise the error, often a [DriftError], says where they part.
//
// It is for plans that were reviewed: a rerun makes its plan again, from what
// the interrupted run left, and that has another digest.
func VerifyResumable(reviewed, now *plan.Plan, facts *plan.Facts, runs []journal.Run) error {
	ours := descendantRuns(reviewed.Digest(), runs)
	// With the same steps, nothing that a run did accounts for a difference.
	if reviewed.Digest() == now.Digest() || !slices.ContainsFunc(ours, journal.Run.Changed) {
		return departed(reviewed, now)
	}
	if !message.EqualJSON(planWithoutSteps(reviewed), planWithoutSteps(now)) {
		return departed(planWithoutSteps(reviewed), planWithoutSteps(now))
	}
	for _, s := range now.Steps {
		if !actionOf(s).Mutates {
			continue
		}
		if err := verifyRemainingStep(reviewed, s, facts, ours); err != nil {
			return err
		}
	}
	return nil
}

// departed is the error of a plan that is not the one at hand.
func departed(reviewed, now *plan.Plan) error {
	return fmt.Errorf("it was edited, or it was made for another cluster state: %s", now.DiffersFrom(reviewed))
}

// planWithoutSteps is a plan without the parts that change when some steps are done.
func planWithoutSteps(p *plan.Plan) *plan.Plan {
	f := *p
	f.Steps, f.Images, f.Refusals, f.Warnings, f.Preflight, f.Claims = nil, nil, nil, nil, nil, nil
	return &f
}

// descendantRuns are the run of a plan and those that resumed it.
func descendantRuns(digest string, runs []journal.Run) []journal.Run {
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

// verifyRemainingStep verifies one remaining step.
func verifyRemainingStep(reviewed *plan.Plan, s plan.Step, facts *plan.Facts, ours []journal.Run) error {
	rel := findRelease(facts, s.Target)
	mine := rel != nil && journal.OwnsRevision(ours, s.Target, journal.RevisionOf(*rel))
	i := slices.IndexFunc(reviewed.Steps, func(w plan.Step) bool { return w.ID == s.ID })
	if i < 0 {
		if actionOf(s).LeftByKill && mine { // a kill of ours left it pending
			return nil
		}
		return fmt.Errorf("it has no step %s", s.ID)
	}
	w := reviewed.Steps[i]
	if err := verifyObjects(w, s); err != nil {
		return err
	}
	if !reflect.DeepEqual(w.To, s.To) || w.Action != s.Action || w.Target != s.Target || w.Store != s.Store ||
		w.Values != s.Values || w.Revision != s.Revision || !slices.Equal(w.ValuesFiles, s.ValuesFiles) {
		return fmt.Errorf("step %s differs", s.ID)
	}
	if err := verifyRestarts(w, s); err != nil {
		return err
	}
	if rel == nil || mine {
		return nil
	}
	return verifyRevision(reviewed, s.Target, rel)
}

// verifyObjects verifies that a step deletes nothing that was not reviewed.
func verifyObjects(w, s plan.Step) error {
	for _, o := range s.Objects {
		if !slices.Contains(w.Objects, o) {
			return fmt.Errorf("step %s would also delete %s", s.ID, o)
		}
	}
	return nil
}

// verifyRestarts verifies that a step restarts nothing that was not reviewed, and
// nothing all at once that was to go one by one.
func verifyRestarts(w, s plan.Step) error {
	for _, r := range s.Restarts {
		i := slices.IndexFunc(w.Restarts, func(o plan.Restart) bool { return o.Store == r.Store })
		if i < 0 || r.Strategy == plan.AllAtOnce && w.Restarts[i].Strategy != plan.AllAtOnce {
			return fmt.Errorf("step %s would now restart the pods of %s %s", s.ID, r.Store, r.Strategy)
		}
	}
	return nil
}

// verifyRevision verifies that a release that was not changed by one of these runs is at the
// revision that the plan was made for.
func verifyRevision(reviewed *plan.Plan, target string, rel *plan.InstalledRelease) error {
	for _, w := range reviewed.Steps {
		if w.Target != target || !w.Action.ChangesRelease() {
			continue
		}
		for _, f := range w.Before {
			if f.Field == plan.FieldRevision {
				return compareFact(f, fmt.Sprint(rel.Revision))
			}
		}
	}
	return nil
}

// findRelease finds a release by namespace/name.
func findRelease(f *plan.Facts, key string) *plan.InstalledRelease {
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
