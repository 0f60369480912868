package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
)

// prepareRun collects facts and opens the journal.
func (e *Executor) prepareRun(ctx context.Context) error {
	err := retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) error {
		j, err := journal.Open(ctx, e.deps.Client, e.namespace, e.plan, e.digest)
		if err == nil {
			e.journal = j
		}
		return err
	})
	if err != nil {
		return err
	}
	err = retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) (err error) {
		e.facts, err = e.deps.Cluster.Facts(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the cluster: %w", err)
	}
	e.journal.Confirm(journal.EvidenceOf(e.facts))
	e.maskedWaiting = nil
	e.secrets.AddValue(e.facts.SecretValues()...)
	e.secrets.KeepNames(e.facts.ReadableNames()...)
	if uid := e.plan.Cluster.UID; uid != "" && e.facts.ClusterUID != "" && uid != e.facts.ClusterUID {
		return &DriftError{Object: "cluster", Field: "uid", Expected: uid, Received: e.facts.ClusterUID}
	}
	e.earlierAvailability, e.earlierPods = slices.Clone(e.journal.Availability), slices.Clone(e.journal.Pods)
	e.journal.Begin(journal.Attempt{
		Identity: cmp.Or(e.opts.Identity, e.facts.User), Holder: e.lease.Holder(), Tool: e.opts.Tool, Started: e.opts.Now(),
	})
	e.adoptPriorRun()
	e.recordBaseline()
	e.recordClaims()
	if err := e.save(ctx); err != nil {
		return err
	}
	if err := e.prune(ctx); err != nil {
		return err
	}
	if err := e.startWatch(ctx); err != nil {
		return fmt.Errorf("watching the cluster: %w", err)
	}
	e.tracker.recordSnapshot(e.watch.Snapshot())
	return e.detectDrift(ctx)
}

// prune drops old journals.
func (e *Executor) prune(ctx context.Context) error {
	return retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) error {
		if err := e.lease.Verify(ctx); err != nil {
			return err
		}
		return e.journal.Prune(ctx)
	})
}

// startWatch starts watching the cluster. ctx ends the beginning alone: what is seen
// while the last request is finished still belongs into the report.
func (e *Executor) startWatch(ctx context.Context) error {
	return retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(trying context.Context) error {
		watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
		began := context.AfterFunc(trying, cancel)
		live, err := e.deps.Cluster.Watch(watching, e.watchScope())
		if !began() && err == nil {
			live.Stop()
			err = trying.Err()
		}
		if err != nil {
			cancel()
			return err
		}
		e.watch, e.cancelWatch = live, cancel
		return nil
	})
}

func (e *Executor) watchScope() Scope {
	namespaces := []string{e.namespace}
	for _, c := range slices.Concat(e.inputs.Operator, e.inputs.Stores) {
		namespaces = append(namespaces, c.Namespace)
	}
	for _, s := range e.facts.Stores {
		namespaces = append(namespaces, s.Namespace)
	}
	slices.Sort(namespaces)
	return Scope{Namespaces: slices.Compact(namespaces)}
}

// detectDrift detects foreign drift before anything is changed, and whether anything
// is left to change.
func (e *Executor) detectDrift(ctx context.Context) error {
	e.nothingToChange = true
	touched := map[string]bool{} // targets that an earlier remaining step changes
	for _, s := range e.plan.Steps {
		if !actionOf(s).Mutates {
			continue
		}
		done, _, err := actionOf(s).Done(e, ctx, s)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		if !touched[s.Target] {
			if err := e.checkStepDrift(ctx, s); err != nil {
				return err
			}
		}
		touched[s.Target] = true
		if s.Action.ChangesInstallation() {
			e.nothingToChange = false
		}
	}
	return nil
}
