package upgrade

import (
	"context"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// prepare looks at the cluster and opens the journal.
func (e *Executor) prepare(ctx context.Context) error {
	err := patiently(ctx, e.opts.Patience, func(ctx context.Context) error {
		j, err := journal.Open(ctx, e.deps.Client, e.namespace, e.plan, e.digest)
		if err == nil {
			e.journal = j
		}
		return err
	})
	if err != nil {
		return err
	}
	err = patiently(ctx, e.opts.Patience, func(ctx context.Context) (err error) {
		e.facts, err = e.deps.Cluster.Facts(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("looking at the cluster: %w", err)
	}
	e.journal.Confirm(journal.EvidenceOf(e.facts))
	e.masked = nil
	e.secrets.AddValue(e.facts.SecretValues()...)
	e.secrets.Keep(e.facts.ReadableNames()...)
	if uid := e.plan.Cluster.UID; uid != "" && e.facts.ClusterUID != "" && uid != e.facts.ClusterUID {
		return &DriftError{Object: "cluster", Field: "uid", Expected: uid, Received: e.facts.ClusterUID}
	}
	e.earlier, e.earlierPods = slices.Clone(e.journal.Availability), slices.Clone(e.journal.Pods)
	e.journal.Begin(journal.Attempt{
		Identity: orElse(e.opts.Identity, e.facts.User), Holder: e.lease.Holder(), Tool: e.opts.Tool, Started: e.opts.Now(),
	})
	e.adopt()
	e.baseline()
	e.recordClaims()
	if err := e.save(ctx); err != nil {
		return err
	}
	if err := e.prune(ctx); err != nil {
		return err
	}
	if err := e.look(ctx); err != nil {
		return fmt.Errorf("watching the cluster: %w", err)
	}
	e.tracker.observe(e.live.Snapshot())
	return e.survey(ctx)
}

// prune drops old journals.
func (e *Executor) prune(ctx context.Context) error {
	return patiently(ctx, e.opts.Patience, func(ctx context.Context) error {
		if err := e.lease.Verify(ctx); err != nil {
			return err
		}
		return e.journal.Prune(ctx)
	})
}

// look begins to watch the cluster. ctx ends the beginning alone: what is seen
// while the last request is finished still belongs into the report.
func (e *Executor) look(ctx context.Context) error {
	return patiently(ctx, e.opts.Patience, func(trying context.Context) error {
		watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
		began := context.AfterFunc(trying, cancel)
		live, err := e.deps.Cluster.Watch(watching, e.scope())
		if !began() && err == nil {
			live.Stop()
			err = trying.Err()
		}
		if err != nil {
			cancel()
			return err
		}
		e.live, e.blind = live, cancel
		return nil
	})
}

func (e *Executor) scope() Scope {
	namespaces := []string{e.namespace}
	for _, c := range slices.Concat(e.in.Operator, e.in.Stores) {
		namespaces = append(namespaces, c.Namespace)
	}
	for _, s := range e.facts.Stores {
		namespaces = append(namespaces, s.Namespace)
	}
	slices.Sort(namespaces)
	return Scope{Namespaces: slices.Compact(namespaces)}
}

// survey finds foreign drift before anything is changed, and whether anything
// is left to change.
func (e *Executor) survey(ctx context.Context) error {
	e.idle = true
	touched := map[string]bool{} // targets that an earlier remaining step changes
	for _, s := range e.plan.Steps {
		if !mutates(s) {
			continue
		}
		done, _, err := e.done(ctx, s)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		if !touched[s.Target] {
			if err := e.drifted(ctx, s); err != nil {
				return err
			}
		}
		touched[s.Target] = true
		if changesRelease(s) || s.Action == plan.ActionLicense {
			e.idle = false
		}
	}
	return nil
}

// changesRelease reports whether a step is one `helm upgrade`.
func changesRelease(s plan.Step) bool {
	return s.Action == plan.ActionOperator || s.Action == plan.ActionStore
}

// mutates reports whether a step changes the cluster.
func mutates(s plan.Step) bool {
	return changesRelease(s) || s.Action == plan.ActionLicense || s.Action == plan.ActionMend || s.Action == plan.ActionUnstick
}
