package upgrade

import (
	"context"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// operations is how often one Helm operation is begun while the API server
// comes and goes.
const operations = 3

// change brings one release to its target and waits until everything that
// hangs on it is settled. The Helm operation does not end when ctx does; the
// waiting does.
func (e *Executor) change(ctx context.Context, s plan.Step) (string, error) {
	c, err := changeOf(e.in, s)
	if err != nil {
		return "", err
	}
	work := context.WithoutCancel(ctx)
	e.probe(work)
	began := e.opts.Now()
	before := prints(e.live.Snapshot())
	back, err := e.operate(work, s, c)
	if err == nil {
		err = e.settle(ctx, s, c, before, began)
	}
	if err != nil && !interrupted(ctx, err) {
		e.keepEvidence(work, s, err)
		e.rollBack(work, s, c, back)
	}
	return "", err
}

// operate upgrades the release unless it is at its target, and returns the
// revision to go back to, or 0.
func (e *Executor) operate(ctx context.Context, s plan.Step, c *plan.Change) (back int, err error) {
	rec := e.journal.step(s.ID)
	for try := 1; ; try++ {
		rel, err := e.release(ctx, s)
		if err != nil {
			return back, err
		}
		if e.reached(s, rel) {
			return back, e.returned(ctx, rec, rel)
		}
		if err := e.unpend(ctx, s, rel); err != nil {
			return back, err
		}
		if rel.Status == "deployed" && back == 0 {
			back = rel.Revision
		}
		err = e.upgradeOnce(ctx, s, c, rec, rel)
		if err == nil || !transient(err) || try == operations {
			return back, err
		}
		e.say(s.ID, EventProgress, fmt.Sprintf("the API server went away while Helm worked (%v): looking what was done", err))
	}
}

// upgradeOnce is one Helm operation between two entries in the journal, so
// that whoever comes next knows whose revision it finds.
func (e *Executor) upgradeOnce(ctx context.Context, s plan.Step, c *plan.Change, rec *StepRecord, rel Release) error {
	if err := e.lease.check(ctx); err != nil {
		return err
	}
	rec.Before, rec.Calling, rec.Called, rec.Changed = rel.Revision, true, e.opts.Now(), true
	if err := e.journal.save(ctx); err != nil {
		return err
	}
	_, err := e.deps.Helm.Upgrade(ctx, UpgradeRequest{
		Namespace: c.Namespace, Name: c.Release, Chart: c.To, ChartDigest: c.To.Digest, Values: c.Values,
		Description: describe(e.digest, s), MaxHistory: e.opts.MaxHistory, Timeout: e.opts.Timeout,
	})
	after, lookErr := e.release(ctx, s)
	if lookErr != nil {
		if err == nil {
			err = lookErr
		}
		return err
	}
	if saveErr := e.returned(ctx, rec, after); err == nil {
		err = saveErr
	}
	return naming(err, "upgrading release", s.Target)
}

// returned records the revision that a Helm operation left.
func (e *Executor) returned(ctx context.Context, rec *StepRecord, rel Release) error {
	if !rec.Calling {
		return nil
	}
	rec.Calling = false
	if rel.Revision == rec.Before+1 {
		rec.Own = append(rec.Own, rel.Revision)
	}
	return e.journal.save(ctx)
}

// unpend marks an operation of ours that was killed as failed. Somebody
// else's may still be at work.
func (e *Executor) unpend(ctx context.Context, s plan.Step, rel Release) error {
	if !pending(rel) {
		return nil
	}
	if !e.journal.run.owns(s.Target, rel.Revision) {
		return &DriftError{Object: "Release/" + s.Target, Field: plan.FieldStatus, Expected: "deployed or failed", Received: rel.Status}
	}
	e.say(s.ID, EventProgress, fmt.Sprintf("revision %d of %s was left %s: marking it as failed", rel.Revision, s.Target, rel.Status))
	namespace, name, _ := strings.Cut(s.Target, "/")
	return patiently(ctx, e.opts.Patience, func(ctx context.Context) error {
		return e.deps.Helm.MarkFailed(context.WithoutCancel(ctx), namespace, name, rel.Revision)
	})
}

// unstick carries out a step that the plan itself asks for. The revision it
// marks is the one it has looked at: a Helm that is alive may have ended it and
// begun another.
func (e *Executor) unstick(ctx context.Context, s plan.Step) (string, error) {
	rel, err := e.release(ctx, s)
	if err == nil {
		err = e.atWork(s.Target, rel)
	}
	if err != nil {
		return "", err
	}
	rec := e.journal.step(s.ID)
	rec.Changed = true
	if err := e.journal.save(ctx); err != nil {
		return "", err
	}
	namespace, name, _ := strings.Cut(s.Target, "/")
	return "", naming(e.deps.Helm.MarkFailed(ctx, namespace, name, rel.Revision), "marking release as failed", s.Target)
}

// release looks at a step's release, patiently.
func (e *Executor) release(ctx context.Context, s plan.Step) (rel Release, err error) {
	namespace, name, _ := strings.Cut(s.Target, "/")
	err = patiently(ctx, e.opts.Patience, func(ctx context.Context) (err error) {
		rel, err = e.deps.Helm.Release(ctx, namespace, name)
		return err
	})
	return rel, naming(err, "reading release", s.Target)
}

// rollBack takes the current chart back where the user asked for it and the
// plan calls that safe.
func (e *Executor) rollBack(ctx context.Context, s plan.Step, c *plan.Change, to int) {
	if !e.opts.RollbackOnFailure {
		return
	}
	if !s.Reversible || to == 0 {
		e.say(s.ID, EventProgress, "not rolled back: it is forward only from here")
		return
	}
	e.say(s.ID, EventProgress, fmt.Sprintf("rolling %s back to revision %d", s.Target, to))
	rec := e.journal.step(s.ID)
	if rel, err := e.release(ctx, s); err == nil {
		rec.Before, rec.Calling, rec.Called = rel.Revision, true, e.opts.Now()
	}
	err := e.journal.save(ctx)
	if err == nil {
		err = e.deps.Helm.Rollback(ctx, c.Namespace, c.Release, to)
	}
	if rel, lookErr := e.release(ctx, s); err == nil && lookErr == nil {
		err = e.returned(ctx, rec, rel)
	}
	if err != nil {
		e.say(s.ID, EventAlarm, fmt.Sprintf("rolling %s back to revision %d: %v", s.Target, to, err))
		return
	}
	e.say(s.ID, EventProgress, fmt.Sprintf("%s is back at revision %d; other charts are as they were", s.Target, to))
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
