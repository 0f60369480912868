package planinput

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Request says what is wanted of which installation.
type Request struct {
	Facts *plan.Facts
	// Bundle is what the plan will say of the bundle, Charts its charts.
	Bundle plan.Bundle
	Charts []BundleChart
	// Registry is where the nodes pull from.
	Registry plan.SiteRegistry
	// Operator and Stores, by namespace/name, are values given by the user in
	// place of the releases' own.
	Operator Values
	Stores   map[string]Values
	// SelectedStores limits the object stores to these, by namespace/name. The default
	// is all that have a release.
	SelectedStores []string
	// Order are stores, by namespace/name, that are upgraded in this order and
	// before all others.
	Order []string
	// ImageOnly is a tag: the object stores get it, under the charts that they
	// have, and the operator stays as it is.
	ImageOnly string
	// Installed are the charts of the stores' releases, out of their records,
	// by namespace/name of the store. ImageOnly needs them.
	Installed map[string]*chart.Chart
	// OperatorOnly leaves every object store as it is.
	OperatorOnly bool
	// License takes the place of the values' license where it is not empty.
	License plan.Sensitive
	// Missing says what becomes of settings that a release has and the given
	// values lack.
	Missing MissingPolicy
	Options plan.Options
}

// BundleChart is one chart of a bundle with what it is there for.
type BundleChart struct {
	*chart.Chart
	// Intermediate says it is an intermediate version, never a target.
	Intermediate bool
}

// Values are complete user values with the files they come from. Without files
// they are the release's own.
type Values struct {
	Files      []string
	UserValues map[string]any
	// Sources are the files as they were read, in the same order.
	Sources []values.Source
	// Stdin is the command that takes the values on standard input, for hints.
	Stdin string
	// Sets are put on top of files or release.
	Sets chart.SetFlags
	// Flags are Sets as a shell takes them.
	Flags string
}

// Gather renders old and new, rewrites the values and returns what
// [plan.Build] needs. A chart that does not render with the values is an error
// that carries the chart's own message.
func Gather(r Request) (plan.Inputs, error) {
	in := plan.Inputs{Facts: r.Facts, Bundle: r.Bundle, Registry: r.Registry, Options: r.Options}
	var err error
	if !r.Options.StoresOnly {
		if err = r.operatorPart(&in); err != nil || r.OperatorOnly {
			return in, err
		}
	}
	in.Stores, err = r.storeChanges()
	return in, err
}

// operatorPart is the operator's part of it, with its license.
func (r Request) operatorPart(in *plan.Inputs) (err error) {
	if r.Facts.Operator == nil {
		return NewNoOperatorError(r.Facts)
	}
	if in.Operator, err = r.operatorChain(); err == nil {
		in.License, err = r.unmanagedLicenseValue(in.Operator)
	}
	return err
}

// operatorChain is the chain of changes that leads to the target.
func (r Request) operatorChain() ([]plan.Change, error) {
	target := r.targetChart(aistor.RoleOperator)
	if target == nil || r.ImageOnly != "" {
		return nil, nil
	}
	release := *r.Facts.Operator
	chain := append(r.intermediateCharts(release.Version, target.Version), target)
	var list []plan.Change
	for _, c := range chain {
		change, err := r.buildChange(plan.Change{Intermediate: c != target}, release, c, r.Operator)
		if err != nil {
			return nil, err
		}
		if n := len(list); n > 0 {
			change.From, change.Before = list[n-1].To, list[n-1].After
		}
		list = append(list, change)
	}
	return list, nil
}

// intermediateCharts are the bundle's intermediate versions, none where the user
// chose to recreate bindings or where the bundle does not contain them: then the plan
// recreates the conflicting bindings.
func (r Request) intermediateCharts(installed, target string) []*chart.Chart {
	if r.Options.RecreateBindings {
		return nil
	}
	var list []*chart.Chart
	for _, hop := range aistor.IntermediateVersions(installed, target) {
		for _, version := range append([]string{hop.Version}, hop.Alternatives...) {
			if c := r.findChart(hop.Chart, version); c != nil {
				list = append(list, c)
				break
			}
		}
	}
	return list
}

// storeChanges are the changes of the object stores, in a stable order.
func (r Request) storeChanges() ([]plan.Change, error) {
	for _, key := range r.SelectedStores {
		if !slices.ContainsFunc(r.Facts.Stores, func(s plan.Store) bool { return s.Key() == key }) {
			return nil, unknownStore(r.Facts, key)
		}
	}
	target := r.targetChart(aistor.RoleObjectStore)
	if target == nil && r.ImageOnly == "" {
		return nil, nil
	}
	var list []plan.Change
	for _, s := range r.orderStores() {
		named := slices.Contains(r.SelectedStores, s.Key())
		if len(r.SelectedStores) > 0 && !named {
			continue
		}
		release := releaseOf(r.Facts, s)
		if release == nil && named {
			return nil, &NoReleaseError{Key: s.Key(), Owner: gitOpsOwnerOf(r.Facts, s.Key())}
		}
		if release == nil {
			continue // the checks tell of stores that no release was found for
		}
		if r.ImageOnly != "" {
			if target = r.Installed[s.Key()]; target == nil {
				return nil, &NoChartError{Key: s.Key()}
			}
		}
		change, err := r.buildChange(plan.Change{Store: s.Name}, *release, target, r.Stores[s.Key()])
		if err != nil {
			return nil, err
		}
		list = append(list, change)
	}
	return list, nil
}

// orderStores are the stores in the site's order; those it does not list come last.
func (r Request) orderStores() []plan.Store {
	rank := func(s plan.Store) int {
		if i := slices.Index(r.Order, s.Key()); i >= 0 {
			return i
		}
		return len(r.Order)
	}
	list := slices.Clone(r.Facts.Stores)
	slices.SortStableFunc(list, func(a, b plan.Store) int { return rank(a) - rank(b) })
	return list
}

func (r Request) targetChart(role aistor.ChartRole) *chart.Chart { return TargetChart(r.Charts, role) }

// TargetChart is the newest chart of a role that is not an intermediate version, nil where
// there is none.
func TargetChart(charts []BundleChart, role aistor.ChartRole) *chart.Chart {
	var best *chart.Chart
	for _, c := range charts {
		if c.Intermediate || aistor.RoleOfChart(c.Name) != role {
			continue
		}
		if best == nil || aistor.VersionBefore(best.Version, c.Version) {
			best = c.Chart
		}
	}
	return best
}

func (r Request) findChart(name, version string) *chart.Chart {
	for _, c := range r.Charts {
		if c.Name == name && c.Version == version {
			return c.Chart
		}
	}
	return nil
}

// FindRelease is the release of the operator, or of the store
// namespace/name.
func FindRelease(f *plan.Facts, role aistor.ChartRole, store string) (*plan.InstalledRelease, error) {
	if role == aistor.RoleOperator {
		if f.Operator == nil {
			return nil, NewNoOperatorError(f)
		}
		return f.Operator, nil
	}
	for _, s := range f.Stores {
		if s.Key() != store {
			continue
		}
		if r := releaseOf(f, s); r != nil {
			return r, nil
		}
		doing := fmt.Sprintf("finding the release of object store %q", store)
		if unseen := Unseen(f, doing); unseen != nil {
			return nil, unseen
		}
		return nil, errors.New(doing + ": no Helm release owns it")
	}
	return nil, unknownStore(f, store)
}

// unknownStore says that a store does not exist, or that nobody could look.
func unknownStore(f *plan.Facts, key string) error {
	if unseen := Unseen(f, fmt.Sprintf("finding object store %q", key)); unseen != nil {
		return unseen
	}
	return &UnknownStoreError{Key: key, Known: StoreKeys(f)}
}

func releaseOf(f *plan.Facts, s plan.Store) *plan.InstalledRelease {
	for i, r := range f.Releases {
		if r.Namespace == s.Namespace && r.Name == s.Release {
			return &f.Releases[i]
		}
	}
	return nil
}

// StoreKeys are the object stores of a cluster, as namespace/name.
func StoreKeys(f *plan.Facts) []string {
	var keys []string
	for _, s := range f.Stores {
		keys = append(keys, s.Key())
	}
	return keys
}

// NoChartError says that the record of a store's release holds no chart.
type NoChartError struct{ Key string }

// Error names the store.
func (e *NoChartError) Error() string {
	return fmt.Sprintf("finding the chart of object store %q: its release record has none", e.Key)
}

// UnknownStoreError says that a store was asked for that does not exist.
type UnknownStoreError struct {
	Key   string
	Known []string
}

// Error names what was asked for and what there is.
func (e *UnknownStoreError) Error() string {
	return message.Sprintf("finding object store %q: not found\nexpected: one of %v", e.Key, e.Known)
}

// Lines implements [message.Liner].
func (e *UnknownStoreError) Lines() []string { return strings.Split(e.Error(), "\n") }
