package workflow

import (
	"context"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// CollectHealth queries operator logs and store health endpoints.
func CollectHealth(ctx context.Context, c *cluster.Client, f *plan.Facts, since time.Time, at cluster.Endpoints) {
	f.HealthAnswers = c.QueryStoreHealth(ctx, f, at)
	var gaps []plan.Gap
	f.LogsRead, f.LogErrors, gaps = c.OperatorLogs(ctx, f, since)
	f.Gaps = append(f.Gaps, gaps...)
}

// How long an upgrade waits for findings that may pass by themselves, and how
// often it looks. A store's health is what its operator last wrote, which lags
// behind the pods: right after a rollout it may be of a moment before.
const (
	validateTimeout  = time.Minute
	validateInterval = 2 * time.Second
)

// validateUntilStable collects facts and runs the checks of the outcome, until they pass
// or fail permanently.
func (o *RunOptions) validateUntilStable(ctx context.Context, t *Target, before *preflight.Subject) (*plan.Facts, *preflight.Report, error) {
	opts, err := o.Checks.BuildOptions(t.Site)
	if err != nil {
		return nil, nil, err
	}
	for end := o.Now().Add(validateTimeout); ; {
		facts, err := t.Cluster.Facts(ctx, o.clusterScope(t))
		if ended := term.InterruptionError(ctx); ended != nil {
			return nil, nil, ended
		}
		if err != nil {
			return nil, nil, err
		}
		CollectHealth(ctx, t.Cluster, facts, before.Now, o.Endpoints.Endpoints)
		after := *before
		after.Facts, after.Since, after.Now = facts, before.Now, o.Now()
		report := o.Kube.RunChecks(ctx, preflight.PostUpgradeChecks(), &after, opts)
		if err := term.InterruptionError(ctx); err != nil {
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
