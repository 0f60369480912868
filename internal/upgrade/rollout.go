package upgrade

import (
	"context"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// waitForRollout waits for the rollout of a release step. was is what the watch
// showed before.
func (e *Executor) waitForRollout(ctx context.Context, s plan.Step, c *plan.Change, was *plan.Facts) error {
	// What the watch shows may be older than the change: the generations that
	// of a fresh read are the minimum that it must show.
	var now *plan.Facts
	err := retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) (err error) {
		now, err = e.deps.Cluster.Facts(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the cluster: %w", err)
	}
	floor, before, past := readiness.WorkloadGenerations(now), readiness.StoreFingerprints(was), readiness.NewBaseline(was)
	return e.waitForGoal(ctx, waitGoal{
		step:     s,
		unready:  func(f *plan.Facts) []string { return e.unreadyItems(f, s, c, floor) },
		healing:  func(f *plan.Facts) []string { return e.healingStores(f, s) },
		failures: func(f *plan.Facts) []readiness.Failure { return readiness.FindFailures(f, e.podFilter(s, c), past) },
		progress: func(f *plan.Facts) ([]string, int) { return readiness.PodProgress(f, e.podFilter(s, c)) },
		fingerprint: func(f *plan.Facts) (string, bool) {
			print, needed := readiness.CompareFingerprints(f, s.Store, before)
			return print, needed && operatorMayReact(s)
		},
	})
}

// operatorMayReact reports whether the operator has any reason to act on a step: a
// store whose spec this very step leaves as it is gives it none. One that is in
// place already may still have to be reacted to.
func operatorMayReact(s plan.Step) bool {
	return s.Store == "" || s.Unchanged || len(s.Restarts) > 0
}

// unreadyItems lists what a release step waits for. After the operator's, that is
// every store too: the operator may roll them all.
func (e *Executor) unreadyItems(f *plan.Facts, s plan.Step, c *plan.Change, floor map[plan.ObjectKey]int64) []string {
	if s.Store != "" {
		t := readiness.NewStore(s, c, e.inputs)
		t.MinGenerations = floor
		return t.Unready(f)
	}
	out := readiness.NewOperator(c.Namespace, c.After).Unready(f, floor)
	for _, key := range e.storeKeys(f) {
		if e.waitsForOwnStep(key) {
			continue
		}
		store := readiness.Store{Key: key, Baseline: e.journal.Baseline[key], WaitForHealing: e.restartsHealthyStore(s, key), MinGenerations: floor}
		out = append(out, store.Unready(f)...)
	}
	return out
}

// storeKeys are the stores of f, and those that the attempt found and f lacks:
// deleted, or not to be seen.
func (e *Executor) storeKeys(f *plan.Facts) []string {
	var keys []string
	for _, st := range slices.Concat(f.Stores, e.facts.Stores) {
		if !slices.Contains(keys, st.Key()) {
			keys = append(keys, st.Key())
		}
	}
	return keys
}

// waitsForOwnStep reports whether a store is handled by its own step: an attempt before
// began to change it and did not see it well, and nothing else is changed before
// its turn comes. To wait for it earlier would keep from it what repairs it.
func (e *Executor) waitsForOwnStep(key string) bool {
	for _, s := range e.plan.Steps {
		if s.Store == "" {
			continue
		}
		rec := e.journal.Step(s.ID)
		if s.Store == key {
			return !rec.Status.Over() && (rec.Attempt > 0 || slices.Contains(e.journal.Open, s.Target))
		}
		if !s.Unchanged && !rec.Status.Over() {
			return false
		}
	}
	return false
}

// podFilter selects the pods whose failures count for this step.
func (e *Executor) podFilter(s plan.Step, c *plan.Change) func(plan.Pod) bool {
	if s.Store != "" {
		return func(p plan.Pod) bool { return p.Store == s.Store }
	}
	operator := readiness.NewOperator(c.Namespace, c.After)
	return func(p plan.Pod) bool {
		if p.Store != "" {
			return !e.waitsForOwnStep(p.Store) && !readiness.Store{Baseline: e.journal.Baseline[p.Store]}.AcceptsUnready()
		}
		return operator.RunsOn(p)
	}
}
