package cluster

import (
	"context"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// healthTimeout is how long a store may take to answer.
const healthTimeout = 10 * time.Second

// QueryStoreHealth asks every store of f for its own health, as [Client.CheckStoreHealth] does.
// The answers come in the order of the stores.
func (c *Client) QueryStoreHealth(ctx context.Context, f *plan.Facts, at Endpoints) []plan.HealthAnswer {
	out := make([]plan.HealthAnswer, len(f.Stores))
	g := newRequestGroup()
	for i, st := range f.Stores {
		g.Go(func() error {
			out[i] = c.queryStoreHealth(ctx, f, st, at)
			return nil
		})
	}
	_ = g.Wait()
	return out
}

func (c *Client) queryStoreHealth(ctx context.Context, f *plan.Facts, st plan.Store, at Endpoints) plan.HealthAnswer {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	h, err := c.CheckStoreHealth(ctx, f, st, at)
	a := plan.HealthAnswer{Store: st.Key(), State: string(h.State), Status: h.Status, Cause: h.Cause}
	if e, ok := at[st.Key()]; ok {
		a.Address = e.String()
	}
	if err != nil {
		a.Cause = err.Error()
	}
	return a
}
