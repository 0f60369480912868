package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// operations is how often one Helm operation is begun while the API server, or
// a webhook that it must ask, comes and goes.
const (
	operations = 3
	// operationPause is waited before the second call, twice that before the third.
	operationPause = 10 * time.Second
)

// change brings one release to its target and waits until everything that
// hangs on it is settled. The Helm operation does not end when ctx does; the
// waiting does. What comes before the operation ends with reading.
func (e *Executor) change(ctx, reading context.Context, s plan.Step) (string, error) {
	c, err := changeOf(e.in, s)
	if err != nil {
		return "", err
	}
	work := context.WithoutCancel(ctx)
	e.probe(work)
	was := e.live.Snapshot()
	back, err := e.operate(ctx, reading, s, c)
	if err == nil {
		err = e.settle(ctx, s, c, was)
	}
	if err == nil {
		return "", e.awaitRemoval(ctx, s)
	}
	if e.lease.Err() == nil && !interrupted(ctx, err) && !errors.As(err, new(*HealingError)) {
		e.keepEvidence(work, s, err)
		e.undo(ctx, s, c, back, prints(was))
	}
	return "", err
}

// operate upgrades the release unless it is at its target, and returns the
// revision to go back to, or none. ctx ends the pauses, and reading what comes
// before a call of Helm.
func (e *Executor) operate(ctx, reading context.Context, s plan.Step, c *plan.Change) (back Release, err error) {
	defer func() { err = cutShort(reading, err) }()
	for try := 1; ; try++ {
		rel, err := e.release(reading, s)
		if err != nil {
			return back, err
		}
		if e.reached(s, rel) {
			return back, e.recordRevision(reading, s, rel)
		}
		if err := e.beforeTry(ctx, try); err != nil {
			return back, err
		}
		if err := e.beforeRetry(reading, s, try); err != nil {
			return back, err
		}
		if rel, err = e.settled(reading, s, rel); err != nil {
			return back, err
		}
		if rel.Status == "deployed" && back.Revision == 0 {
			back = rel
		}
		if removed := removedObjects(c); len(removed) > 0 {
			e.journal.Step(s.ID).Removed = removed
		}
		err = e.callOnce(reading, s, rel, making(c), func() error { return e.call(context.WithoutCancel(ctx), s, c) })
		if lost := e.lease.Err(); lost != nil {
			return back, lost // Helm wraps causes as text
		}
		silent := silentWebhook(err)
		switch {
		case silent != nil && try == operations:
			return back, e.registered(reading, silent)
		case err == nil || !transient(err) || try == operations:
			return back, err
		case silent != nil:
			e.say(s.ID, EventProgress, fmt.Sprintf("webhook %s does not answer: Helm is called again in %s", silent.Name, tryPause(try+1)))
		default:
			e.say(s.ID, EventProgress, fmt.Sprintf("the API server went away while Helm worked (%v): looking what was done", err))
		}
	}
}

// tryPause is how long is waited before a call of Helm.
func tryPause(try int) time.Duration { return time.Duration(try-1) * operationPause }

// beforeTry waits before all calls but the first: whatever kept it from
// succeeding is hardly mended at once, and each leaves a revision.
func (e *Executor) beforeTry(ctx context.Context, try int) error {
	if try == 1 {
		return nil // an interruption before it is the caller's matter
	}
	return e.pause(ctx, nil, tryPause(try))
}

// beforeRetry looks once more at what may have happened during the pause.
func (e *Executor) beforeRetry(ctx context.Context, s plan.Step, try int) error {
	if try == 1 {
		return nil // the step was looked at just now
	}
	return e.lookAnew(ctx, s)
}

// call is one Helm operation.
func (e *Executor) call(ctx context.Context, s plan.Step, c *plan.Change) error {
	if c.Revision > 0 {
		return naming(e.deps.Helm.Rollback(ctx, e.rollbackRequest(c, c.Revision)), "rolling back release", s.Target)
	}
	_, err := e.deps.Helm.Upgrade(ctx, UpgradeRequest{
		Namespace: c.Namespace, Name: c.Release, Chart: c.To, ChartDigest: c.To.Digest, Values: c.Values,
		Description: e.describe(s), MaxHistory: e.opts.MaxHistory, Timeout: e.opts.Timeout,
	})
	return naming(err, "upgrading release", s.Target)
}

func (e *Executor) rollbackRequest(c *plan.Change, to int) RollbackRequest {
	return RollbackRequest{
		Namespace: c.Namespace, Name: c.Release, Revision: to, MaxHistory: e.opts.MaxHistory, Timeout: e.opts.Timeout,
	}
}

// making is what the Helm operation of a change is to make.
func making(c *plan.Change) journal.Operation {
	return journal.Operation{Chart: c.To.Name, Version: c.To.Version, Values: plan.ValuesDigest(orEmpty(c.Values)), BackTo: c.Revision}
}

// callOnce makes one Helm operation between two entries in the journal, so
// that whoever comes next knows whose revision it finds. ctx ends what comes
// before the call, and a moment later what comes after it.
func (e *Executor) callOnce(ctx context.Context, s plan.Step, rel Release, making journal.Operation, call func() error) error {
	if err := e.mayWrite(ctx); err != nil {
		return err
	}
	rec := e.journal.Step(s.ID)
	changed := rec.Changed
	rec.Before, rec.Calling, rec.Called, rec.Making = rel.Revision, true, e.opts.Now(), &making
	err := e.announce(ctx, rec)
	if err == nil {
		err = e.lookAnewLater(ctx, s)
	}
	if err != nil {
		rec.Calling, rec.Changed = false, changed // the end of the step is saved
		return err
	}
	err = e.meanwhile(s, call)
	if lost := e.lease.Err(); lost != nil {
		return lost
	}
	if notBegun(err) {
		rec.Calling, rec.Changed = false, changed // the end of the step is saved
		return e.busyRelease(ctx, s, err)
	}
	looking, end := untilInterrupted(ctx)
	defer end()
	after, lookErr := e.release(looking, s)
	if lookErr != nil {
		if err == nil {
			err = lookErr
		}
		return err
	}
	if saveErr := e.recordRevision(ctx, s, after); err == nil {
		err = saveErr
	}
	return err
}

// recordRevision notes the revision that a Helm operation left, if it made it.
func (e *Executor) recordRevision(ctx context.Context, s plan.Step, rel Release) error {
	rec := e.journal.Step(s.ID)
	if !rec.Calling {
		return nil
	}
	rec.RecordRevision(e.digest, rel.record())
	if between := rel.Revision - 1; between > rec.Before && slices.Contains(rec.Own, rel.Revision) {
		e.say(s.ID, EventAlarm, fmt.Sprintf("somebody else made revision %d of %s right before revision %d: see what it changed, which this step replaced", between, s.Target, rel.Revision))
	}
	return e.save(ctx)
}

// busyRelease is the error of an operation that Helm did not begin because of
// another one, which is named while it may be at work.
func (e *Executor) busyRelease(ctx context.Context, s plan.Step, err error) error {
	rel, lookErr := e.release(ctx, s)
	if lookErr == nil {
		lookErr = e.atWork(s.Target, rel)
	}
	if busy, ok := errors.AsType[*BusyError](lookErr); ok {
		return busy
	}
	return err
}

// settled ends what an operation of ours left that did not reach its end, and
// returns the revision from which the next one starts. Somebody else's may
// still be at work.
func (e *Executor) settled(ctx context.Context, s plan.Step, rel Release) (Release, error) {
	if s.Revision > 0 && unfinishedRollback(rel) && e.owned(s.Target, rel) {
		e.say(s.ID, EventProgress, fmt.Sprintf("revision %d of %s is a rollback that did not end: dropping it", rel.Revision, s.Target))
		if err := e.forget(ctx, s, rel.Revision); err != nil {
			return rel, err
		}
		return e.release(ctx, s)
	}
	if !pending(rel) {
		return rel, nil
	}
	if !e.journal.OwnsRevision(s.Target, rel.record()) {
		return rel, &DriftError{Object: "Release/" + s.Target, Field: plan.FieldStatus, Expected: "deployed or failed", Received: rel.Status}
	}
	e.say(s.ID, EventProgress, fmt.Sprintf("revision %d of %s was left %s: marking it as failed", rel.Revision, s.Target, rel.Status))
	return rel, e.markFailed(ctx, s, rel.Revision)
}

func (e *Executor) markFailed(ctx context.Context, s plan.Step, revision int) error {
	namespace, name, _ := strings.Cut(s.Target, "/")
	err := e.write(ctx, func(ctx context.Context) error {
		return e.deps.Helm.MarkFailed(context.WithoutCancel(ctx), namespace, name, revision)
	})
	return naming(err, "marking release as failed", s.Target)
}

// forget drops a rollback that did not reach its end. Helm takes the newest
// revision, failed or not, for what is installed: it would compare the older
// manifest with itself, and leave behind what only the newer chart brought.
func (e *Executor) forget(ctx context.Context, s plan.Step, revision int) error {
	namespace, name, _ := strings.Cut(s.Target, "/")
	err := e.write(ctx, func(ctx context.Context) error {
		return e.deps.Helm.Forget(context.WithoutCancel(ctx), namespace, name, revision)
	})
	return naming(err, "dropping an unfinished rollback of release", s.Target)
}

// unfinishedRollback reports whether a revision is a rollback that was cut off
// or failed.
func unfinishedRollback(rel Release) bool {
	return rel.Status == "pending-rollback" || rel.Status == "failed" &&
		(strings.HasPrefix(rel.Description, "Rollback ") || strings.HasSuffix(rel.Description, "while pending-rollback"))
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
	if err := e.announce(ctx, e.journal.Step(s.ID)); err != nil {
		return "", err
	}
	if e.plan.Kind == plan.KindRollback && unfinishedRollback(rel) {
		return "", e.forget(ctx, s, rel.Revision)
	}
	return "", e.markFailed(ctx, s, rel.Revision)
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

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
