package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// userValues are the values by which the charts are rendered to find their
// images: files for all, for one chart, and settings, which each are one
// release's. Stores with settings of their own are rendered each.
func (o *contentsOptions) userValues(p *Program, site *plan.Site) (map[aistor.Role][]map[string]any, error) {
	both, err := mergeFiles(p, o.values)
	if err != nil {
		return nil, err
	}
	sets, err := o.sets.byRelease()
	if err != nil {
		return nil, err
	}
	out := map[aistor.Role][]map[string]any{}
	for role, files := range map[aistor.Role][]string{aistor.RoleOperator: o.operatorValues, aistor.RoleObjectStore: o.storeValues} {
		own, err := mergeFiles(p, files)
		if err != nil {
			return nil, err
		}
		out[role] = []map[string]any{values.Merge(both, own)}
	}
	for _, key := range slices.Sorted(maps.Keys(sets)) {
		role := aistor.RoleObjectStore
		if key == operatorKey {
			role = aistor.RoleOperator
		} else if err := knownInSite(site, key); err != nil {
			return nil, err
		}
		v, err := sets[key].Into(out[role][0])
		if err != nil {
			return nil, err
		}
		if out[role] = append(out[role], v); role == aistor.RoleOperator {
			out[role] = out[role][1:]
		}
	}
	return out, nil
}

// knownInSite refuses settings for a store that the site file does not list:
// they would be about nothing.
func knownInSite(site *plan.Site, key string) error {
	if site == nil {
		return nil
	}
	keys := storeOrder(site)
	if slices.Contains(keys, key) {
		return nil
	}
	return fmt.Errorf("finding object store %q: the site file does not list it\nexpected: one of %v", key, keys)
}
