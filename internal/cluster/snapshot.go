package cluster

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
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

// addWorkloads keeps the operator's and the stores' workloads and returns the
// store of each of the latter by kind/namespace/name.
func (s *snapshot) addWorkloads(f *plan.Facts) map[string]string {
	owner := map[string]string{}
	for _, w := range s.workloads {
		w.Store = cmp.Or(s.resolveStore(w.Namespace, w.owner), s.storeOfStatefulSet(w.Namespace, w.Name), s.resolveStore(w.Namespace, w.label))
		operator := w.operator && w.Namespace == s.operatorNamespace
		if w.Store == "" && !operator {
			continue
		}
		if w.Store != "" {
			owner[w.Kind+"/"+w.Namespace+"/"+w.Name] = w.Store
		}
		f.Workloads = append(f.Workloads, w.Workload)
	}
	sortBy(f.Workloads, func(w plan.Workload) string { return w.String() })
	return owner
}

func (s *snapshot) addPods(f *plan.Facts, owner map[string]string) {
	f.Pods = slices.Grow(f.Pods, len(s.pods))
	for _, p := range s.pods {
		kind, n, _ := strings.Cut(p.Controller(), "/")
		if p.Store = owner[kind+"/"+p.Namespace+"/"+n]; p.Store == "" {
			p.Store = cmp.Or(s.storeOfStatefulSet(p.Namespace, n), s.resolveStore(p.Namespace, p.label))
		}
		if p.Store == "" && p.operator && p.Namespace != s.operatorNamespace && n == aistor.DeploymentObjectStore {
			f.OtherOperators = append(f.OtherOperators, p.Namespace)
		}
		if p.Store == "" && (!p.operator || p.Namespace != s.operatorNamespace) {
			continue
		}
		f.Pods = append(f.Pods, p.Pod)
	}
	slices.Sort(f.OtherOperators)
	f.OtherOperators = slices.Compact(f.OtherOperators)
	// One pod may carry the labels of two selectors.
	sortBy(f.Pods, func(p plan.Pod) string { return p.Namespace + "/" + p.Name })
	f.Pods = slices.CompactFunc(f.Pods, func(a, b plan.Pod) bool { return a.Namespace == b.Namespace && a.Name == b.Name })
}

// addClaims keeps the claims of stores: by label, or by the name a StatefulSet
// gives its claims, template-set-ordinal.
func (s *snapshot) addClaims(f *plan.Facts) {
	sets := map[string]map[string]string{}
	for _, w := range f.Workloads {
		if w.Store != "" && w.Kind == "StatefulSet" {
			if sets[w.Namespace] == nil {
				sets[w.Namespace] = map[string]string{}
			}
			sets[w.Namespace][w.Name] = w.Store
		}
	}
	for _, c := range s.claims {
		if c.Store = cmp.Or(storeOfClaim(c.Name, sets[c.Namespace]), s.resolveStore(c.Namespace, c.label)); c.Store != "" {
			f.Claims = append(f.Claims, c.Claim)
		}
	}
	sortBy(f.Claims, func(c plan.Claim) string { return c.Namespace + "/" + c.Name })
}

// storeOfClaim is the store of the StatefulSet that a claim is named after,
// which has the longest name of those that fit; sets are stores by name of the
// StatefulSet.
func storeOfClaim(claim string, sets map[string]string) string {
	i := strings.LastIndexByte(claim, '-')
	if i < 0 || strings.Trim(claim[i+1:], "0123456789") != "" {
		return ""
	}
	longest := ""
	for set := range sets {
		if strings.HasSuffix(claim[:i], "-"+set) && len(set) > len(longest) {
			longest = set
		}
	}
	return sets[longest]
}

// addVolumes keeps the volumes that the kept claims are bound to, and those
// that were bound to a claim of such a name.
func (s *snapshot) addVolumes(f *plan.Facts) {
	ours := map[namespacedName]bool{}
	for _, c := range f.Claims {
		ours[namespacedName{c.Namespace, c.Name}] = true
		ours[namespacedName{"", c.Volume}] = true
	}
	delete(ours, namespacedName{})
	for _, w := range f.Workloads {
		for _, claim := range w.ClaimNames() {
			ours[namespacedName{w.Namespace, claim}] = true
		}
	}
	for _, v := range s.volumes {
		if ours[namespacedName{"", v.Name}] || ours[namespacedName{v.ClaimNamespace, v.ClaimName}] {
			f.Volumes = append(f.Volumes, v)
		}
	}
	sortBy(f.Volumes, func(v plan.Volume) string { return v.Name })
}

// addServices keeps the Services of operator and stores: those of one of their
// releases, made for a store, or in front of their pods. What others run in the
// same namespace is none of ours.
func (s *snapshot) addServices(f *plan.Facts) {
	ready := map[namespacedName]map[string]bool{}
	for _, e := range s.endpoints {
		if ready[e.service] == nil {
			ready[e.service] = map[string]bool{}
		}
		for _, id := range e.ready {
			ready[e.service][id] = true
		}
	}
	kept := s.keptWorkloads(f)
	ours := s.aistorReleases(kept)
	for _, sv := range s.services {
		if !ours[sv.release] && !s.servesWorkloads(sv, kept) {
			continue
		}
		sv.Ready = len(ready[namespacedName{sv.Namespace, sv.Name}])
		f.Services = append(f.Services, sv.Service)
	}
	sortBy(f.Services, func(sv plan.Service) string { return sv.Namespace + "/" + sv.Name })
}

// keptWorkloads are those that went into f.
func (s *snapshot) keptWorkloads(f *plan.Facts) []workloadInfo {
	keys := map[plan.ObjectKey]bool{}
	for _, w := range f.Workloads {
		keys[w.ObjectKey] = true
	}
	var kept []workloadInfo
	for _, w := range s.workloads {
		if keys[w.ObjectKey] {
			kept = append(kept, w)
		}
	}
	return kept
}

// aistorReleases are the Helm releases of the stores and of these workloads.
func (s *snapshot) aistorReleases(workloads []workloadInfo) map[namespacedName]bool {
	ours := map[namespacedName]bool{}
	for _, st := range s.stores {
		ours[st.release] = true
	}
	for _, w := range workloads {
		ours[w.release] = true
	}
	delete(ours, namespacedName{})
	return ours
}

// servesWorkloads reports whether a Service was made for a store, is asked by the API
// server, or sends to pods of one of these workloads.
func (s *snapshot) servesWorkloads(sv serviceInfo, workloads []workloadInfo) bool {
	if s.resolveStore(sv.Namespace, sv.owner) != "" || s.resolveStore(sv.Namespace, storeLabel(sv.selector)) != "" {
		return true
	}
	for _, w := range s.webhooks {
		if slices.ContainsFunc(w.hooks, func(h plan.Webhook) bool { return h.Service == sv.Namespace+"/"+sv.Name }) {
			return true
		}
	}
	return len(sv.selector) > 0 && slices.ContainsFunc(workloads, func(w workloadInfo) bool {
		return w.Namespace == sv.Namespace && labels.SelectorFromSet(sv.selector).Matches(labels.Set(w.template))
	})
}

// addDisruptionBudgets keeps the budgets that stand in the way of a store's pods, whoever
// made them.
func (s *snapshot) addDisruptionBudgets(f *plan.Facts) {
	stores := map[string]bool{}
	for _, w := range f.Workloads {
		stores[w.String()] = w.Store != ""
	}
	for _, b := range s.budgets {
		covers := slices.ContainsFunc(s.workloads, func(w workloadInfo) bool {
			return w.Namespace == b.Namespace && stores[w.String()] && b.selector.Matches(labels.Set(w.template))
		})
		if covers || s.resolveStore(b.Namespace, b.owner) != "" {
			f.DisruptionBudgets = append(f.DisruptionBudgets, b.DisruptionBudget)
		}
	}
	sortBy(f.DisruptionBudgets, func(b plan.DisruptionBudget) string { return b.Namespace + "/" + b.Name })
}

// addReleases tells the operator's release from the others. Where there is
// more than one, the one that owns the ObjectStore definition is it.
func (s *snapshot) addReleases(f *plan.Facts) {
	owner := s.crdOwner()
	sortBy(s.releases, func(r plan.InstalledRelease) string { return r.Namespace + "/" + r.Name })
	operator := -1
	for i, r := range s.releases {
		if aistor.RoleOfChart(r.Chart) != aistor.RoleOperator {
			continue
		}
		here := r.Namespace == s.operatorNamespace
		if operator < 0 && here || (namespacedName{r.Namespace, r.Name}) == owner && here {
			operator = i
		}
	}
	for i, r := range s.releases {
		if i == operator {
			f.Operator = &r
			continue
		}
		f.Releases = append(f.Releases, r)
	}
}

// crdOwner is the release that owns the ObjectStore definition.
func (s *snapshot) crdOwner() namespacedName {
	for _, c := range s.crds {
		if c.Name == aistor.CRDObjectStores {
			return c.release
		}
	}
	return namespacedName{}
}

// addBindings keeps those of AIStor's releases and those named as the operator
// chart names its own, whoever owns them now.
func (s *snapshot) addBindings(f *plan.Facts) {
	releases := map[string]bool{s.crdOwner().String(): true}
	for _, r := range s.releases {
		releases[r.Namespace+"/"+r.Name] = true
	}
	delete(releases, "")
	for _, b := range s.bindings {
		if releases[b.Release] || isChartBinding(b.Name) {
			f.Bindings = append(f.Bindings, b)
		}
	}
	sortBy(f.Bindings, func(b plan.Binding) string { return b.String() })
}

func (s *snapshot) addCRDs(f *plan.Facts) {
	for _, c := range s.crds {
		f.CRDs = append(f.CRDs, c.CRD)
	}
	sortBy(f.CRDs, func(c plan.CRD) string { return c.Name })
	for _, w := range s.webhooks {
		f.Webhooks = append(f.Webhooks, w.hooks...)
	}
	sortBy(f.Webhooks, func(w plan.Webhook) string { return w.Configuration + "/" + w.Name })
}

// addServiceAccounts keeps the accounts that the pods run under, or will.
func (s *snapshot) addServiceAccounts(f *plan.Facts) {
	used := map[namespacedName]bool{}
	use := func(namespace, account string) { used[namespacedName{namespace, cmp.Or(account, "default")}] = true }
	for _, p := range f.Pods {
		use(p.Namespace, p.ServiceAccount)
	}
	for _, w := range s.workloads {
		if slices.ContainsFunc(f.Workloads, func(k plan.Workload) bool { return k.ObjectKey == w.ObjectKey }) {
			use(w.Namespace, w.account)
		}
	}
	for _, st := range s.stores {
		use(st.Namespace, st.account)
	}
	for _, a := range s.accounts {
		if used[namespacedName{a.Namespace, a.Name}] {
			f.ServiceAccounts = append(f.ServiceAccounts, a)
		}
	}
	sortBy(f.ServiceAccounts, func(a plan.ServiceAccount) string { return a.Namespace + "/" + a.Name })
}

// restrictWebhooks removes the webhooks whose Service is outside the one namespace
// that was read: nothing is known of it.
func (s *snapshot) restrictWebhooks(only string) {
	for i := range s.webhooks {
		s.webhooks[i].hooks = slices.DeleteFunc(s.webhooks[i].hooks, func(w plan.Webhook) bool {
			return !strings.HasPrefix(w.Service, only+"/")
		})
	}
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
