package cli

import (
	"context"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// How long an upgrade waits for findings that may pass by themselves, and how
// often it looks. A store's health is what its operator last wrote, which lags
// behind the pods: right after a roll-out it may be of a moment before.
const (
	provingFor   = time.Minute
	provingEvery = 2 * time.Second
)

// prove looks anew and runs the checks that prove the outcome, until they pass
// or show something that waiting does not heal.
func (o *runOptions) prove(ctx context.Context, t *target, before *preflight.Subject) (*plan.Facts, *preflight.Report, error) {
	opts, err := o.checks.options(t.site)
	if err != nil {
		return nil, nil, err
	}
	for end := o.Now().Add(provingFor); ; {
		facts, err := t.cluster.Facts(ctx, o.scope(t))
		if ended := interruption(ctx); ended != nil {
			return nil, nil, ended
		}
		if err != nil {
			return nil, nil, err
		}
		deepen(ctx, t.cluster, facts, before.Now, o.endpoints.at)
		after := *before
		after.Facts, after.Since, after.Now = facts, before.Now, o.Now()
		report := o.kube.check(ctx, preflight.After(), &after, opts)
		if err := interruption(ctx); err != nil {
			return nil, nil, err
		}
		if !report.Passing() || !o.Now().Before(end) {
			return facts, report, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(provingEvery):
		}
	}
}
