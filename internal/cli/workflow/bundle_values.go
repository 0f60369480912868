package workflow

import (
	"maps"
	"slices"
	"strconv"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// userValues are the values by which the charts are rendered to find their
// images: files for all, for one chart, and settings, which each are one
// release's. Stores with settings of their own are rendered each.
func (o *ContentsOptions) userValues(p *term.Program, site *plan.Site) (map[aistor.ChartRole][]map[string]any, error) {
	both, err := readValues(p, o.values, "helm aistor bundle create FILE -f -")
	if err != nil {
		return nil, err
	}
	sets, err := o.sets.SplitByRelease()
	if err != nil {
		return nil, err
	}
	out := map[aistor.ChartRole][]map[string]any{}
	for _, part := range []struct {
		role  aistor.ChartRole
		flag  string
		files []string
	}{
		{aistor.RoleOperator, "--operator-values", o.operatorValues},
		{aistor.RoleObjectStore, "--store-values", o.storeValues},
	} {
		own, err := readValues(p, part.files, "helm aistor bundle create FILE "+part.flag+" -")
		if err != nil {
			return nil, err
		}
		if own.Stdin = both.Stdin; len(part.files) > 0 {
			own.Stdin = "helm aistor bundle create FILE " + part.flag + " -"
		}
		own.Sources = append(slices.Clone(both.Sources), own.Sources...)
		merged := values.Merge(both.UserValues, own.UserValues)
		if err := planinput.CheckFinal("the "+string(part.role)+"'s chart", merged, own, nil, o.literal, part.flag+" FILE"); err != nil {
			return nil, err
		}
		out[part.role] = []map[string]any{merged}
	}
	return out, o.setsOnTop(out, sets, site)
}

// setsOnTop puts single settings on the values of the release that each is for.
func (o *ContentsOptions) setsOnTop(out map[aistor.ChartRole][]map[string]any, sets map[string]*option.Sets, site *plan.Site) error {
	for _, key := range slices.Sorted(maps.Keys(sets)) {
		role := aistor.RoleObjectStore
		if key == option.OperatorKey {
			role = aistor.RoleOperator
		} else if err := knownInSite(site, key); err != nil {
			return err
		}
		v, err := sets[key].ApplyTo(out[role][0])
		if err != nil {
			return err
		}
		if err := planinput.CheckFinal("release "+strconv.Quote(key), v, planinput.Values{Sets: sets[key].SetFlags}, nil, o.literal, "--set"); err != nil {
			return err
		}
		if out[role] = append(out[role], v); role == aistor.RoleOperator {
			out[role] = out[role][1:]
		}
	}
	return nil
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
	return message.Errorf("finding object store %q: the site file does not list it\nexpected: one of %v", key, keys)
}
