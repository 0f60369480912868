package cluster

import (
	"context"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// answerPatience is how long a store may take to answer.
const answerPatience = 10 * time.Second

// Answers asks every store of f for its own health, as [Client.AskStore] does.
// The answers come in the order of the stores.
func (c *Client) Answers(ctx context.Context, f *plan.Facts, at Endpoints) []plan.Answer {
	out := make([]plan.Answer, len(f.Stores))
	g := parallel()
	for i, st := range f.Stores {
		g.Go(func() error {
			out[i] = c.answer(ctx, f, st, at)
			return nil
		})
	}
	_ = g.Wait()
	return out
}

func (c *Client) answer(ctx context.Context, f *plan.Facts, st plan.Store, at Endpoints) plan.Answer {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	h, err := c.AskStore(ctx, f, st, at)
	a := plan.Answer{Store: st.Key(), State: string(h.State), Status: h.Status, Cause: h.Cause}
	if e, ok := at[st.Key()]; ok {
		a.At = e.String()
	}
	if err != nil {
		a.Cause = err.Error()
	}
	return a
}
