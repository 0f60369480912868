package upgrade

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// rollBackStep rolls the release of a failed step back to the revision that was deployed
// before, was, where the user asked for it and nothing has run yet that an older
// chart does not support. Releases of earlier steps are unchanged. before
// are the stores' fingerprints from before the step.
func (e *Executor) rollBackStep(ctx context.Context, s plan.Step, c *plan.Change, was HelmRelease, before map[string]string) {
	to := was.Revision
	if !e.opts.RollbackOnFailure || s.Revision > 0 {
		return
	}
	if why := e.irreversibleReason(s, c, to, before); why != "" {
		e.undoResult = fmt.Sprintf("%s is not rolled back: %s", s.Target, why)
		e.emitMessage(s.ID, EventAlarm, e.undoResult)
		return
	}
	work := context.WithoutCancel(ctx)
	if err := e.refuseDeletions(work, s); err != nil { // going back restarts pods too
		e.undoResult = fmt.Sprintf("%s is not rolled back: %s", s.Target, strings.Join(message.Lines(err), "; "))
		e.emitMessage(s.ID, EventAlarm, e.undoResult)
		return
	}
	rel, err := e.getRelease(work, s)
	switch {
	case err != nil:
	case rel.Revision == to:
		e.undoResult = fmt.Sprintf("%s is still at revision %d: nothing to roll back", s.Target, to)
	case !e.journal.OwnsRevision(s.Target, rel.record()):
		e.undoResult = fmt.Sprintf("%s is not rolled back: revision %d was not created by this step", s.Target, rel.Revision)
	}
	if e.undoResult != "" {
		e.emitMessage(s.ID, EventProgress, e.undoResult)
		return
	}
	e.emitMessage(s.ID, EventProgress, fmt.Sprintf("rolling %s back to revision %d", s.Target, to))
	if err == nil {
		making := journal.Operation{Chart: was.Chart, Version: was.Version, Values: was.record().Values, BackTo: to}
		err = e.callHelmOnce(work, s, rel, making, func() error {
			return wrapError(e.deps.Helm.Rollback(work, e.rollbackRequest(c, to)), "rolling back release", s.Target)
		})
	}
	if err == nil {
		err = e.waitForRollback(ctx, s, c)
	}
	if err != nil {
		e.undoResult = fmt.Sprintf("rolling %s back to revision %d: %v", s.Target, to, err)
		e.emitMessage(s.ID, EventAlarm, e.undoResult)
		return
	}
	e.undoResult = fmt.Sprintf("%s is rolled back to revision %d and ready; other releases are unchanged", s.Target, to)
	e.emitMessage(s.ID, EventProgress, e.undoResult)
}

// waitForRollback waits until what was there before the step is ready again.
func (e *Executor) waitForRollback(ctx context.Context, s plan.Step, c *plan.Change) error {
	old := *c
	old.To, old.After = c.From, c.Before
	err := e.waitForRollout(ctx, s, &old, e.watch.Snapshot())
	if stuck := errors.As(err, new(*unrecoverableError)) || errors.As(err, new(*TimeoutError)); stuck && s.Store != "" {
		return message.Errorf("%w\ndelete pods of the failed revision that the StatefulSet does not replace: kubectl delete pod", err)
	}
	return err
}

// irreversibleReason says why a step must not be undone; empty where it may be.
func (e *Executor) irreversibleReason(s plan.Step, c *plan.Change, to int, before map[string]string) string {
	switch {
	case to == 0:
		return "no deployed revision before this attempt; see helm aistor rollback"
	case !s.Reversible:
		return "it cannot be rolled back"
	}
	f := e.watch.Snapshot()
	if s.Store == "" {
		now := readiness.StoreFingerprints(f)
		for _, st := range f.Stores {
			if now[st.Key()] != before[st.Key()] {
				return "the operator has begun to restart object store " + st.Key()
			}
		}
		return ""
	}
	return e.startedServer(f, s, c)
}

// startedServer names a pod of the step's store that has run a server which the store
// did not run before: the vendor promises no rollback for its disks.
func (e *Executor) startedServer(f *plan.Facts, s plan.Step, c *plan.Change) string {
	ran := map[string]bool{}
	for _, p := range e.facts.Pods {
		for _, k := range serverContainers(p, s.Store) {
			ran[k.Image] = true
		}
	}
	for _, p := range f.Pods {
		for _, k := range serverContainers(p, s.Store) {
			if started := k.ImageID != "" || k.Ready || k.Restarts > 0; started && !ran[k.Image] {
				return fmt.Sprintf("%s has run %s, and the vendor does not support server downgrades", readiness.PodName(p), k.Image)
			}
		}
	}
	return ""
}

// serverContainers are the minio containers of a pod of a store.
func serverContainers(p plan.Pod, store string) []plan.Container {
	var list []plan.Container
	for _, k := range p.Containers {
		if p.Store == store && k.Name == aistor.ContainerMinIO {
			list = append(list, k)
		}
	}
	return list
}
