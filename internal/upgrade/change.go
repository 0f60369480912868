package upgrade

import (
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// changeOf finds the change that a step executes.
func changeOf(in *plan.Inputs, s plan.Step) (*plan.Change, error) {
	all := in.Operator
	if s.Store != "" {
		all = in.Stores
	}
	i := slices.IndexFunc(all, func(c plan.Change) bool {
		return c.Key() == s.Target && s.To != nil && c.To == *s.To && (s.Store == "" || c.StoreKey() == s.Store)
	})
	if i < 0 {
		return nil, fmt.Errorf("finding the chart and values of step %q: the plan was made from other inputs", s.ID)
	}
	return &all[i], nil
}
