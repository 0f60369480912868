package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// maxHelmAttempts is how often one Helm operation is begun while the API server, or
// a webhook that it must ask, comes and goes.
const (
	maxHelmAttempts = 3
	// helmRetryDelay is waited before the second call, twice that before the third.
	helmRetryDelay = 10 * time.Second
)

// changeRelease upgrades or rolls back one release and waits until its rollout
// is complete. The Helm operation does not end when ctx does; the
// waiting does. What comes before the operation ends with reading.
func (e *Executor) changeRelease(ctx, reading context.Context, s plan.Step) (string, error) {
	c, err := changeOf(e.inputs, s)
	if err != nil {
		return "", err
	}
	work := context.WithoutCancel(ctx)
	e.startProbes(work)
	was := e.watch.Snapshot()
	back, err := e.upgradeRelease(ctx, reading, s, c)
	if err == nil {
		err = e.waitForRollout(ctx, s, c, was)
	}
	if err == nil {
		return "", e.awaitRemoval(ctx, s)
	}
	if e.lease.Err() == nil && !isInterrupted(ctx, err) && !errors.As(err, new(*HealingError)) {
		e.keepEvidence(work, s, err)
		e.rollBackStep(ctx, s, c, back, readiness.StoreFingerprints(was))
	}
	return "", err
}

// upgradeRelease upgrades the release unless it is at its target, and returns the
// revision to go back to, or none. ctx ends the pauses, and reading what comes
// before a call of Helm.
func (e *Executor) upgradeRelease(ctx, reading context.Context, s plan.Step, c *plan.Change) (back HelmRelease, err error) {
	defer func() { err = cutShort(reading, err) }()
	for try := 1; ; try++ {
		rel, err := e.getRelease(reading, s)
		if err != nil {
			return back, err
		}
		if e.hasReachedTarget(s, rel) {
			return back, e.recordRevision(reading, s, rel)
		}
		if err := e.waitBeforeRetry(ctx, try); err != nil {
			return back, err
		}
		if err := e.beforeRetry(reading, s, try); err != nil {
			return back, err
		}
		if rel, err = e.resolvePending(reading, s, rel); err != nil {
			return back, err
		}
		if rel.Status == "deployed" && back.Revision == 0 {
			back = rel
		}
		if removed := removedObjects(c); len(removed) > 0 {
			e.journal.Step(s.ID).Removed = removed
		}
		err = e.callHelmOnce(reading, s, rel, making(c), func() error { return e.callHelm(context.WithoutCancel(ctx), s, c) })
		if lost := e.lease.Err(); lost != nil {
			return back, lost // Helm wraps causes as text
		}
		silent := silentWebhook(err)
		switch {
		case silent != nil && try == maxHelmAttempts:
			return back, e.findConfiguration(reading, silent)
		case err == nil || !isTransient(err) || try == maxHelmAttempts:
			return back, err
		case silent != nil:
			e.emitMessage(s.ID, EventProgress, fmt.Sprintf("webhook %s does not respond: retrying in %s", silent.Name, retryDelay(try+1)))
		default:
			e.emitMessage(s.ID, EventProgress, fmt.Sprintf("the API server was unavailable during the Helm operation (%v): checking the release", err))
		}
	}
}

// retryDelay is how long is waited before a call of Helm.
func retryDelay(try int) time.Duration { return time.Duration(try-1) * helmRetryDelay }

// waitBeforeRetry waits before all calls but the first: whatever kept it from
// succeeding is rarely fixed at once, and each call leaves a revision.
func (e *Executor) waitBeforeRetry(ctx context.Context, try int) error {
	if try == 1 {
		return nil // an interruption before it is the caller's matter
	}
	return e.waitForChange(ctx, nil, retryDelay(try))
}

// beforeRetry looks once more at what may have happened during the pause.
func (e *Executor) beforeRetry(ctx context.Context, s plan.Step, try int) error {
	if try == 1 {
		return nil // the step was checked just now
	}
	return e.lookAnew(ctx, s)
}

// callHelm is one Helm operation.
func (e *Executor) callHelm(ctx context.Context, s plan.Step, c *plan.Change) error {
	if c.Revision > 0 {
		return wrapError(e.deps.Helm.Rollback(ctx, e.rollbackRequest(c, c.Revision)), "rolling back release", s.Target)
	}
	_, err := e.deps.Helm.Upgrade(ctx, UpgradeRequest{
		Namespace: c.Namespace, Name: c.Release, Chart: c.To, ChartDigest: c.To.Digest, Values: c.Values,
		Description: e.revisionDescription(s), MaxHistory: e.opts.MaxHistory, Timeout: e.opts.Timeout,
	})
	return wrapError(err, "upgrading release", s.Target)
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

// callHelmOnce makes one Helm operation between two entries in the journal, so
// that whoever comes next knows whose revision it finds. ctx ends what comes
// before the call, and a moment later what comes after it.
func (e *Executor) callHelmOnce(ctx context.Context, s plan.Step, rel HelmRelease, making journal.Operation, call func() error) error {
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
	err = e.watchDuring(s, call)
	if lost := e.lease.Err(); lost != nil {
		return lost
	}
	if notBegun(err) {
		rec.Calling, rec.Changed = false, changed // the end of the step is saved
		return e.busyRelease(ctx, s, err)
	}
	looking, end := untilInterrupted(ctx)
	defer end()
	after, lookErr := e.getRelease(looking, s)
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
func (e *Executor) recordRevision(ctx context.Context, s plan.Step, rel HelmRelease) error {
	rec := e.journal.Step(s.ID)
	if !rec.Calling {
		return nil
	}
	rec.RecordRevision(e.digest, rel.record())
	if between := rel.Revision - 1; between > rec.Before && slices.Contains(rec.Own, rel.Revision) {
		e.emitMessage(s.ID, EventAlarm, fmt.Sprintf("another client created revision %d of %s right before revision %d, and this step replaced its changes: review what it changed", between, s.Target, rel.Revision))
	}
	return e.save(ctx)
}

// busyRelease is the error of an operation that Helm did not begin because of
// another one, which is named while it may be at work.
func (e *Executor) busyRelease(ctx context.Context, s plan.Step, err error) error {
	_, lookErr := e.getIdleRelease(ctx, s)
	if busy, ok := errors.AsType[*BusyError](lookErr); ok {
		return busy
	}
	return err
}

// resolvePending resolves an unfinished operation of this run, and
// returns the revision from which the next one starts. An operation of another client may
// still be in progress.
func (e *Executor) resolvePending(ctx context.Context, s plan.Step, rel HelmRelease) (HelmRelease, error) {
	if s.Revision > 0 && unfinishedRollback(rel) && e.owned(s.Target, rel) {
		e.emitMessage(s.ID, EventProgress, fmt.Sprintf("revision %d of %s is an unfinished rollback: deleting it", rel.Revision, s.Target))
		if err := e.deleteRollbackRecord(ctx, s, rel.Revision); err != nil {
			return rel, err
		}
		return e.getRelease(ctx, s)
	}
	if !isPending(rel) {
		return rel, nil
	}
	if !e.journal.OwnsRevision(s.Target, rel.record()) {
		return rel, &DriftError{Object: "Release/" + s.Target, Field: plan.FieldStatus, Expected: "deployed or failed", Received: rel.Status}
	}
	e.emitMessage(s.ID, EventProgress, fmt.Sprintf("revision %d of %s is %s: marking it as failed", rel.Revision, s.Target, rel.Status))
	return rel, e.markFailed(ctx, s, rel.Revision)
}

// getRelease reads a step's release, with retries.
func (e *Executor) getRelease(ctx context.Context, s plan.Step) (rel HelmRelease, err error) {
	namespace, name, _ := strings.Cut(s.Target, "/")
	err = retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) (err error) {
		rel, err = e.deps.Helm.GetRelease(ctx, namespace, name)
		return err
	})
	return rel, wrapError(err, "reading release", s.Target)
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}
