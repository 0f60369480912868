package cluster

import (
	"context"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// answerPatience is how long a store may take to answer.
const answerPatience = 10 * time.Second

// Answers asks every store of f for its own health, through the API server.
// The answers come in the order of the stores.
func (c *Client) Answers(ctx context.Context, f *plan.Facts) []plan.Answer {
	out := make([]plan.Answer, len(f.Stores))
	g := parallel()
	for i, st := range f.Stores {
		g.Go(func() error {
			out[i] = c.answer(ctx, f, st)
			return nil
		})
	}
	_ = g.Wait()
	return out
}

func (c *Client) answer(ctx context.Context, f *plan.Facts, st plan.Store) plan.Answer {
	a := plan.Answer{Store: st.Key(), State: string(HealthUnknown)}
	service := st.Service()
	i := slices.IndexFunc(f.Services, func(s plan.Service) bool {
		return s.Namespace == st.Namespace && s.Name == service && len(s.Ports) > 0
	})
	if i < 0 {
		a.Cause = "there is no Service " + st.Namespace + "/" + service
		return a
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	h, err := c.StoreHealth(ctx, st.Namespace, service, f.Services[i].Ports[0])
	a.State, a.Status = string(h.State), h.Status
	if err != nil {
		a.Cause = err.Error()
	}
	return a
}
