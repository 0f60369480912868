package upgrade

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// undo takes the chart of a failed step back to the revision that was deployed
// before, was, where the user asked for it and nothing has run yet that an older
// chart could not go on from. Charts of earlier steps stay as they are. before
// are the stores' fingerprints from before the step.
func (e *Executor) undo(ctx context.Context, s plan.Step, c *plan.Change, was Release, before map[string]string) {
	to := was.Revision
	if !e.opts.RollbackOnFailure || s.Revision > 0 {
		return
	}
	if why := e.forwardOnly(s, c, to, before); why != "" {
		e.undone = fmt.Sprintf("%s is not rolled back: %s", s.Target, why)
		e.say(s.ID, EventAlarm, e.undone)
		return
	}
	work := context.WithoutCancel(ctx)
	if err := e.refuseDeletions(work, s); err != nil { // going back restarts pods too
		e.undone = fmt.Sprintf("%s is not rolled back: %s", s.Target, strings.Join(message.Lines(err), "; "))
		e.say(s.ID, EventAlarm, e.undone)
		return
	}
	rel, err := e.release(work, s)
	switch {
	case err != nil:
	case rel.Revision == to:
		e.undone = fmt.Sprintf("%s is still at revision %d: there is nothing to undo", s.Target, to)
	case !e.journal.OwnsRevision(s.Target, rel.record()):
		e.undone = fmt.Sprintf("%s is not rolled back: its revision %d is not this step's", s.Target, rel.Revision)
	}
	if e.undone != "" {
		e.say(s.ID, EventProgress, e.undone)
		return
	}
	e.say(s.ID, EventProgress, fmt.Sprintf("rolling %s back to revision %d", s.Target, to))
	if err == nil {
		making := journal.Operation{Chart: was.Chart, Version: was.Version, Values: was.record().Values, BackTo: to}
		err = e.callOnce(work, s, rel, making, func() error {
			return naming(e.deps.Helm.Rollback(work, e.rollbackRequest(c, to)), "rolling back release", s.Target)
		})
	}
	if err == nil {
		err = e.settleBack(ctx, s, c)
	}
	if err != nil {
		e.undone = fmt.Sprintf("rolling %s back to revision %d: %v", s.Target, to, err)
		e.say(s.ID, EventAlarm, e.undone)
		return
	}
	e.undone = fmt.Sprintf("%s is back at revision %d and ready; other charts are as they were", s.Target, to)
	e.say(s.ID, EventProgress, e.undone)
}

// settleBack waits until what was there before the step is ready again.
func (e *Executor) settleBack(ctx context.Context, s plan.Step, c *plan.Change) error {
	old := *c
	old.To, old.After = c.From, c.Before
	err := e.settle(ctx, s, &old, e.live.Snapshot())
	if stuck := errors.As(err, new(*stuckError)) || errors.As(err, new(*TimeoutError)); stuck && s.Store != "" {
		return message.Errorf("%w\na pod of the failed revision that a StatefulSet does not replace by itself is deleted by hand: kubectl delete pod", err)
	}
	return err
}

// forwardOnly says why a step must not be undone; empty where it may be.
func (e *Executor) forwardOnly(s plan.Step, c *plan.Change, to int, before map[string]string) string {
	switch {
	case to == 0:
		return "no revision was deployed right before this attempt; helm aistor rollback shows the way back"
	case !s.Reversible:
		return "it is forward only from here"
	}
	f := e.live.Snapshot()
	if s.Action == plan.ActionOperator {
		now := prints(f)
		for _, st := range f.Stores {
			if now[st.Key()] != before[st.Key()] {
				return "the operator has begun to restart object store " + st.Key()
			}
		}
		return ""
	}
	return e.hasRun(f, s, c)
}

// hasRun names a pod of the step's store that has run a server which the store
// did not run before: the vendor promises no way back for its disks.
func (e *Executor) hasRun(f *plan.Facts, s plan.Step, c *plan.Change) string {
	ran := map[string]bool{}
	for _, p := range e.facts.Pods {
		for _, k := range servers(p, s.Store) {
			ran[k.Image] = true
		}
	}
	for _, p := range f.Pods {
		for _, k := range servers(p, s.Store) {
			if started := k.ImageID != "" || k.Ready || k.Restarts > 0; started && !ran[k.Image] {
				return fmt.Sprintf("%s has run %s, and the vendor does not promise that a server can go back", podName(p), k.Image)
			}
		}
	}
	return ""
}

// servers are the minio containers of a pod of a store.
func servers(p plan.Pod, store string) []plan.Container {
	var list []plan.Container
	for _, k := range p.Containers {
		if p.Store == store && k.Name == aistor.ContainerMinIO {
			list = append(list, k)
		}
	}
	return list
}
