package workflow

import (
	"context"
	"sync"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// PlanSubject is the subject of checks on a plan, with the rights it needs.
func (o *TargetOptions) PlanSubject(ctx context.Context, t *Target) (*preflight.Subject, error) {
	own, err := o.NewRegistryClient(o.Program, t.Plan.Registry.PushHost())
	if err != nil {
		return nil, err
	}
	s := &preflight.Subject{
		Facts: t.Inputs.Facts, Inputs: &t.Inputs, Plan: t.Plan, Now: o.Now(), Site: t.Plan.Registry,
		Registry: NewRegistryProber(o.Program, o.Registry, t.Plan.Registry, own),
	}
	var asking sync.WaitGroup
	asking.Go(func() { s.Permissions = t.Cluster.ReviewPermissions(ctx, t.Inputs.WritePermissions()) })
	asking.Go(func() { s.DryRuns = t.Cluster.DryRunChanges(ctx, &t.Inputs, t.Plan) })
	asking.Wait()
	return s, nil
}
