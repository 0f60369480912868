package upgrade

import (
	"context"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var _ = register(action{
	ID: plan.ActionMarkFailed, Mutates: true, LeftByKill: true,
	Done: (*Executor).isReleaseSettled,
	Apply: func(e *Executor, _, reading context.Context, s plan.Step) (string, error) {
		return "", e.markReleaseFailed(reading, s)
	},
	// Its only fact is that the release is pending; if not, it is done.
	CheckDrift: func(e *Executor, ctx context.Context, s plan.Step) error {
		_, err := e.getIdleRelease(ctx, s)
		return err
	},
})

// isReleaseSettled reports whether no operation of the release is unfinished.
func (e *Executor) isReleaseSettled(ctx context.Context, s plan.Step) (bool, string, error) {
	rel, err := e.getRelease(ctx, s)
	settled := !isPending(rel) && !(e.isRollback() && unfinishedRollback(rel))
	return err == nil && settled, "the release is not pending", err
}

// getIdleRelease reads a release at which no other Helm may be at work.
func (e *Executor) getIdleRelease(ctx context.Context, s plan.Step) (HelmRelease, error) {
	rel, err := e.getRelease(ctx, s)
	if err == nil {
		err = e.checkOtherHelm(s.Target, rel)
	}
	return rel, err
}

// markReleaseFailed marks the revision that it has read: a running Helm may have
// finished it and begun another.
func (e *Executor) markReleaseFailed(ctx context.Context, s plan.Step) error {
	rel, err := e.getIdleRelease(ctx, s)
	if err != nil {
		return err
	}
	if err := e.announce(ctx, e.journal.Step(s.ID)); err != nil {
		return err
	}
	if e.isRollback() && unfinishedRollback(rel) {
		return e.deleteRollbackRecord(ctx, s, rel.Revision)
	}
	return e.markFailed(ctx, s, rel.Revision)
}

// markFailed gives a pending revision the status failed.
func (e *Executor) markFailed(ctx context.Context, s plan.Step, revision int) error {
	namespace, name, _ := strings.Cut(s.Target, "/")
	err := e.write(ctx, func(ctx context.Context) error {
		return e.deps.Helm.MarkFailed(context.WithoutCancel(ctx), namespace, name, revision)
	})
	return wrapError(err, "marking release as failed", s.Target)
}

// deleteRollbackRecord deletes the record of an unfinished rollback. Helm takes the newest
// revision, failed or not, for what is installed: it would compare the older
// manifest with itself, and leave behind what only the newer chart brought.
func (e *Executor) deleteRollbackRecord(ctx context.Context, s plan.Step, revision int) error {
	namespace, name, _ := strings.Cut(s.Target, "/")
	err := e.write(ctx, func(ctx context.Context) error {
		return e.deps.Helm.DeleteRollbackRecord(context.WithoutCancel(ctx), namespace, name, revision)
	})
	return wrapError(err, "deleting an unfinished rollback of release", s.Target)
}

// unfinishedRollback reports whether a revision is a rollback that was cut off
// or failed.
func unfinishedRollback(rel HelmRelease) bool {
	return rel.Status == "pending-rollback" || rel.Status == "failed" &&
		(strings.HasPrefix(rel.Description, "Rollback ") || strings.HasSuffix(rel.Description, "while pending-rollback"))
}
