package workflow

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// VerifyEndpoints asks each endpoint once. One that does not lead to its store would report
// an outage that nobody has, or hide one.
func VerifyEndpoints(ctx context.Context, p *term.Program, o *option.Endpoints, t *Target) error {
	f := t.Inputs.Facts
	if err := o.CheckKnownStores(f); err != nil {
		return err
	}
	for _, st := range f.Stores {
		e, named := o.Endpoints[st.Key()]
		if !named {
			continue
		}
		health, err := probeEndpoint(ctx, t.Cluster, f, st, o.Endpoints)
		if health.State == cluster.HealthUnavailable && err == nil {
			term.PrintLine(p.Out, "! object store %s is already unavailable: %s returned %d", st.Key(), e, health.Status)
		}
		if err != nil {
			if ended := term.InterruptionError(ctx); ended != nil {
				return ended
			}
			hint := "set --endpoint to the address that clients use, or omit it to query through the API server"
			if e.Proxy != "" {
				hint += fmt.Sprintf("\nthe request goes through proxy %s; if the store is reachable directly, add %s to NO_PROXY", e.Proxy, e.URL.Hostname())
			}
			return term.WithHint(fmt.Errorf("querying the health of object store %q: %w", st.Key(), err), hint)
		}
	}
	return nil
}

// probeEndpoint asks one store at its endpoint, and there for what no store has.
func probeEndpoint(ctx context.Context, c *cluster.Client, f *plan.Facts, st plan.Store, at cluster.Endpoints) (cluster.Health, error) {
	ctx, cancel := context.WithTimeout(ctx, option.HealthRequestTimeout)
	defer cancel()
	health, err := c.CheckStoreHealth(ctx, f, st, at)
	switch {
	case err != nil:
		return health, err
	case health.Status == 0:
		return health, fmt.Errorf("querying %s: %s", at[st.Key()], cmp.Or(health.Cause, "no answer"))
	}
	return health, at[st.Key()].DetectCatchAll(ctx)
}
