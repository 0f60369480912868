package upgrade

import (
	"encoding/json"
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

// equalData compares plain data by what it encodes to, since the same number
// may have two types.
func equalData(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
