package upgrade

import (
	"context"
	"maps"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Unfinished is the newest of runs, as [ReadJournals] sorts them, if it changed
// the cluster, did not reach its end, and no other run went on from there;
// otherwise nil.
func Unfinished(runs []Run) *Run {
	if len(runs) == 0 {
		return nil
	}
	r := &runs[0]
	if !r.Changed() || r.Result() == "done" || r.ResumedBy != "" {
		return nil
	}
	return r
}

// Result is how the newest attempt ended; empty means that it is under way or
// was killed.
func (r Run) Result() string {
	if len(r.Attempts) == 0 {
		return ""
	}
	return r.Attempts[len(r.Attempts)-1].Result
}

// adopt goes on from the unfinished run of another plan: what was there before
// that one is what was there before this one. It returns that run's plan.
func (e *Executor) adopt(ctx context.Context) (string, error) {
	err := patiently(ctx, e.opts.Patience, func(ctx context.Context) (err error) {
		e.runs, err = ReadJournals(ctx, e.deps.Client, e.namespace)
		return err
	})
	prev := Unfinished(e.runs)
	if err != nil || prev == nil || prev.Plan == e.digest {
		return "", err
	}
	r := &e.journal.run
	r.Resumes, r.ChangedBefore = prev.Plan, true
	r.FirstBackup = orElse(prev.FirstBackup, prev.Backup)
	r.Orphans, r.Open = prev.orphans(), prev.open()
	if r.Baseline == nil {
		r.Baseline = maps.Clone(prev.Baseline)
	}
	if r.Claims == nil {
		r.Claims = maps.Clone(prev.Claims)
	}
	return prev.Plan, nil
}

// baseline records the health of stores that no attempt has seen before.
func (e *Executor) baseline() {
	r := &e.journal.run
	if r.Baseline == nil {
		r.Baseline = map[string]string{}
	}
	for _, s := range e.facts.Stores {
		if _, known := r.Baseline[s.Key()]; !known {
			r.Baseline[s.Key()] = s.Health
		}
	}
}

// resumed marks the journal of the run that this one goes on from, once this
// one's own is written: a kill in between leaves both, and this one is newer.
func (e *Executor) resumed(ctx context.Context, digest string) error {
	if digest == "" {
		return nil
	}
	j := &journal{client: e.deps.Client, namespace: e.namespace, patience: e.opts.Patience}
	if err := j.open(ctx, &plan.Plan{}, digest); err != nil {
		return err
	}
	j.run.ResumedBy = e.digest
	return j.save(ctx)
}

// open are the releases that a run changed without seeing how that ended.
func (r Run) open() []string {
	open := slices.Clone(r.Open)
	for _, s := range r.Steps {
		if s.Action != plan.ActionOperator && s.Action != plan.ActionStore {
			continue
		}
		if s.Status.over() || s.Changed {
			open = slices.DeleteFunc(open, func(target string) bool { return target == s.Target })
		}
		if s.Changed && !s.Status.over() {
			open = append(open, s.Target)
		}
	}
	return open
}

// orphans are the bindings a run deleted for a release it did not upgrade.
func (r Run) orphans() []images.Object {
	open := slices.Clone(r.Orphans)
	for _, s := range r.Steps {
		open = append(open, s.Saved...)
		if s.Action == plan.ActionOperator && s.Status.over() {
			open = nil
		}
	}
	return open
}
