package workflow

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// explainTimeout bounds the search for values without effect. It
// takes a second; the rest is for machines that do much else, so that one plan
// does not say less than the next.
const explainTimeout = 20 * time.Second

// findIneffective finds the values that do nothing in the target's charts. It is
// advice: what cannot be found out, or not in time, is said and left.
func (o *TargetOptions) findIneffective(ctx context.Context, t *Target) error {
	bounded, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	charts := o.installedCharts(bounded, slices.Concat(t.Inputs.Operator, t.Inputs.Stores))
	err := planinput.ExplainChanges(bounded, &t.Inputs, t.charts, func(key string) *chart.Chart { return charts[key] })
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		term.PrintLine(o.ErrOut, "note: values analysis timed out after %s; run helm aistor values --explain for a complete list", explainTimeout)
		return nil
	}
	return err
}

// installedCharts reads the charts out of the releases' records. A record that
// cannot be read has been reported with the facts.
func (o *TargetOptions) installedCharts(ctx context.Context, changes []plan.Change) map[string]*chart.Chart {
	client := chart.NewClient(o.Kube, nil)
	out := map[string]*chart.Chart{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(4)
	for _, c := range changes {
		if c.Intermediate {
			continue
		}
		group.Go(func() error {
			if r, err := client.Get(ctx, c.Namespace, c.Release); err == nil && r.Chart != nil {
				mu.Lock()
				defer mu.Unlock()
				out[c.Key()] = r.Chart
			}
			return nil
		})
	}
	_ = group.Wait()
	return out
}
