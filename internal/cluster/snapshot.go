package cluster

import (
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// eventWindow is how far back a warning is still news.
const eventWindow = time.Hour

// snapshot is all listed or watched data, trimmed but not yet assigned:
// the owner of a pod is known only with stores and workloads.
// [Client.Facts] fills it from lists, [Watcher] from its watches; facts is the
// one way to turn it into [plan.Facts].
type snapshot struct {
	now               time.Time
	operatorNamespace string
	// storesKnown is false where ObjectStores could not be listed; labels are
	// then believed.
	storesKnown bool

	stores     []storeInfo
	workloads  []workloadInfo
	pods       []podInfo
	claims     []claimInfo
	volumes    []plan.Volume
	namespaces []plan.Namespace
	services   []serviceInfo
	endpoints  []endpointsInfo
	bindings   []plan.Binding
	crds       []crdInfo
	webhooks   []webhooksInfo
	accounts   []plan.ServiceAccount
	budgets    []disruptionBudgetInfo
	events     []plan.Event
	releases   []plan.InstalledRelease
	// operatorPods are looked for before it is known where the operator runs.
	operatorPods []podInfo
}

// buildFacts sorts out what was seen. It is pure; what comes out is sorted.
func (s *snapshot) buildFacts() *plan.Facts {
	f := &plan.Facts{}
	s.addStores(f)
	owner := s.addWorkloads(f)
	s.addPods(f, owner)
	s.addClaims(f)
	s.addVolumes(f)
	f.Namespaces = s.namespaces
	s.addServices(f)
	s.addDisruptionBudgets(f)
	s.addReleases(f)
	s.addBindings(f)
	s.addCRDs(f)
	s.addServiceAccounts(f)
	s.addEvents(f)
	f.GitOpsOwners = s.gitOpsOwners()
	return f
}

func (s *snapshot) addStores(f *plan.Facts) {
	for _, st := range s.stores {
		f.Stores = append(f.Stores, st.Store)
	}
	sortBy(f.Stores, func(st plan.Store) string { return st.Namespace + "/" + st.Name })
}

// resolveStore resolves an ObjectStore by name; empty where there is none.
func (s *snapshot) resolveStore(namespace, n string) string {
	if n == "" {
		return ""
	}
	if !s.storesKnown || slices.ContainsFunc(s.stores, func(st storeInfo) bool {
		return st.Namespace == namespace && st.Name == n
	}) {
		return namespace + "/" + n
	}
	return ""
}

// storeOfStatefulSet resolves the store by the StatefulSet its status names.
func (s *snapshot) storeOfStatefulSet(namespace, set string) string {
	for _, st := range s.stores {
		if st.Namespace == namespace && slices.ContainsFunc(st.Pools, func(p plan.Pool) bool { return p.StatefulSet == set }) {
			return namespace + "/" + st.Name
		}
	}
	return ""
}

// sortBy sorts in place by a string, which is made once for each.
func sortBy[T any](all []T, by func(T) string) {
	keys, order := make([]string, len(all)), make([]int, len(all))
	for i, v := range all {
		keys[i], order[i] = by(v), i
	}
	if slices.IsSorted(keys) {
		return
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(keys[a], keys[b]) })
	before := slices.Clone(all)
	for to, from := range order {
		all[to] = before[from]
	}
}
