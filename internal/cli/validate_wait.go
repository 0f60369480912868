package cli

import (
	"context"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// How long an upgrade waits for findings that may pass by themselves, and how
// often it looks. A store's health is what its operator last wrote, which lags
// behind the pods: right after a rollout it may be of a moment before.
const (
	validateTimeout  = time.Minute
	validateInterval = 2 * time.Second
)

// validateUntilStable collects facts and runs the checks of the outcome, until they pass
// or fail permanently.
func (o *runOptions) validateUntilStable(ctx context.Context, t *target, before *preflight.Subject) (*plan.Facts, *preflight.Report, error) {
	opts, err := o.checks.buildOptions(t.site)
	if err != nil {
		return nil, nil, err
	}
	for end := o.Now().Add(validateTimeout); ; {
		facts, err := t.cluster.Facts(ctx, o.clusterScope(t))
		if ended := interruptionError(ctx); ended != nil {
			return nil, nil, ended
		}
		if err != nil {
			return nil, nil, err
		}
		collectHealth(ctx, t.cluster, facts, before.Now, o.endpoints.endpoints)
		after := *before
		after.Facts, after.Since, after.Now = facts, before.Now, o.Now()
		report := o.kube.runChecks(ctx, preflight.PostUpgradeChecks(), &after, opts)
		if err := interruptionError(ctx); err != nil {
			return nil, nil, err
		}
		if !report.OnlyTransientFailures() || !o.Now().Before(end) {
			return facts, report, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(validateInterval):
		}
	}
}
