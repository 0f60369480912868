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

// seen is everything one look brought home, trimmed but not yet sorted out:
// whose a pod is can only be told when stores and workloads are there too.
// [Client.Facts] fills it from lists, [Live] from its watches; facts is the
// one way to turn it into [plan.Facts].
type seen struct {
	now               time.Time
	operatorNamespace string
	// storesKnown is false where ObjectStores could not be listed; labels are
	// then believed.
	storesKnown bool

	stores     []storeSeen
	workloads  []workloadSeen
	pods       []podSeen
	claims     []claimSeen
	volumes    []plan.Volume
	namespaces []plan.Namespace
	services   []serviceSeen
	endpoints  []endpointsSeen
	bindings   []plan.Binding
	crds       []crdSeen
	webhooks   []webhooksSeen
	accounts   []plan.Account
	budgets    []budgetSeen
	events     []plan.Event
	releases   []plan.Release
	// operatorPods are looked for before it is known where the operator runs.
	operatorPods []podSeen
}

// facts sorts out what was seen. It is pure; what comes out is sorted.
func (s *seen) facts() *plan.Facts {
	f := &plan.Facts{}
	s.addStores(f)
	owner := s.addWorkloads(f)
	s.addPods(f, owner)
	s.addClaims(f)
	s.addVolumes(f)
	f.Namespaces = s.namespaces
	s.addServices(f)
	s.addBudgets(f)
	s.addReleases(f)
	s.addBindings(f)
	s.addDefinitions(f)
	s.addAccounts(f)
	s.addEvents(f)
	f.Managers = s.managers()
	return f
}

func (s *seen) addStores(f *plan.Facts) {
	for _, st := range s.stores {
		f.Stores = append(f.Stores, st.Store)
	}
	sortBy(f.Stores, func(st plan.Store) string { return st.Namespace + "/" + st.Name })
}

// store resolves an ObjectStore by name; empty where there is none.
func (s *seen) store(namespace, n string) string {
	if n == "" {
		return ""
	}
	if !s.storesKnown || slices.ContainsFunc(s.stores, func(st storeSeen) bool {
		return st.Namespace == namespace && st.Name == n
	}) {
		return namespace + "/" + n
	}
	return ""
}

// storeOfSet resolves the store by the StatefulSet its status names.
func (s *seen) storeOfSet(namespace, set string) string {
	for _, st := range s.stores {
		if st.Namespace == namespace && slices.ContainsFunc(st.Pools, func(p plan.Pool) bool { return p.StatefulSet == set }) {
			return namespace + "/" + st.Name
		}
	}
	return ""
}

// addWorkloads keeps the operator's and the stores' workloads and returns the
// store of each of the latter by kind/namespace/name.
func (s *seen) addWorkloads(f *plan.Facts) map[string]string {
	owner := map[string]string{}
	for _, w := range s.workloads {
		w.Store = cmp.Or(s.store(w.Namespace, w.owner), s.storeOfSet(w.Namespace, w.Name), s.store(w.Namespace, w.label))
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

func (s *seen) addPods(f *plan.Facts, owner map[string]string) {
	f.Pods = slices.Grow(f.Pods, len(s.pods))
	for _, p := range s.pods {
		kind, n := ownerOf(p.Owner)
		if p.Store = owner[kind+"/"+p.Namespace+"/"+n]; p.Store == "" {
			p.Store = cmp.Or(s.storeOfSet(p.Namespace, n), s.store(p.Namespace, p.label))
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

// ownerOf is the workload behind a pod's owner: a ReplicaSet is named by its
// Deployment and a hash.
func ownerOf(owner string) (kind, n string) {
	kind, n, _ = strings.Cut(owner, "/")
	if i := strings.LastIndexByte(n, '-'); kind == "ReplicaSet" && i > 0 {
		return "Deployment", n[:i]
	}
	return kind, n
}

// addClaims keeps the claims of stores: by label, or by the name a StatefulSet
// gives its claims, template-set-ordinal.
func (s *seen) addClaims(f *plan.Facts) {
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
		if c.Store = cmp.Or(storeOfClaim(c.Name, sets[c.Namespace]), s.store(c.Namespace, c.label)); c.Store != "" {
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
func (s *seen) addVolumes(f *plan.Facts) {
	ours := map[name]bool{}
	for _, c := range f.Claims {
		ours[name{c.Namespace, c.Name}] = true
		ours[name{"", c.Volume}] = true
	}
	delete(ours, name{})
	for _, w := range f.Workloads {
		for _, claim := range w.ClaimNames() {
			ours[name{w.Namespace, claim}] = true
		}
	}
	for _, v := range s.volumes {
		if ours[name{"", v.Name}] || ours[name{v.ClaimNamespace, v.ClaimName}] {
			f.Volumes = append(f.Volumes, v)
		}
	}
	sortBy(f.Volumes, func(v plan.Volume) string { return v.Name })
}

// addServices keeps the Services of operator and stores: those of one of their
// releases, made for a store, or in front of their pods. What others run in the
// same namespace is none of ours.
func (s *seen) addServices(f *plan.Facts) {
	ready := map[name]map[string]bool{}
	for _, e := range s.endpoints {
		if ready[e.of] == nil {
			ready[e.of] = map[string]bool{}
		}
		for _, id := range e.ready {
			ready[e.of][id] = true
		}
	}
	kept := s.keptWorkloads(f)
	ours := s.ownReleases(kept)
	for _, sv := range s.services {
		if !ours[sv.release] && !s.inFront(sv, kept) {
			continue
		}
		sv.Ready = len(ready[name{sv.Namespace, sv.Name}])
		f.Services = append(f.Services, sv.Service)
	}
	sortBy(f.Services, func(sv plan.Service) string { return sv.Namespace + "/" + sv.Name })
}

// keptWorkloads are those that went into f.
func (s *seen) keptWorkloads(f *plan.Facts) []workloadSeen {
	keys := map[plan.ObjectKey]bool{}
	for _, w := range f.Workloads {
		keys[w.ObjectKey] = true
	}
	var kept []workloadSeen
	for _, w := range s.workloads {
		if keys[w.ObjectKey] {
			kept = append(kept, w)
		}
	}
	return kept
}

// ownReleases are the Helm releases of the stores and of these workloads.
func (s *seen) ownReleases(workloads []workloadSeen) map[name]bool {
	ours := map[name]bool{}
	for _, st := range s.stores {
		ours[st.release] = true
	}
	for _, w := range workloads {
		ours[w.release] = true
	}
	delete(ours, name{})
	return ours
}

// inFront reports whether a Service was made for a store, is asked by the API
// server, or sends to pods of one of these workloads.
func (s *seen) inFront(sv serviceSeen, workloads []workloadSeen) bool {
	if s.store(sv.Namespace, sv.owner) != "" || s.store(sv.Namespace, storeLabel(sv.selector)) != "" {
		return true
	}
	for _, w := range s.webhooks {
		if slices.ContainsFunc(w.hooks, func(h plan.Webhook) bool { return h.Service == sv.Namespace+"/"+sv.Name }) {
			return true
		}
	}
	return len(sv.selector) > 0 && slices.ContainsFunc(workloads, func(w workloadSeen) bool {
		return w.Namespace == sv.Namespace && labels.SelectorFromSet(sv.selector).Matches(labels.Set(w.template))
	})
}

// addBudgets keeps the budgets that stand in the way of a store's pods, whoever
// made them.
func (s *seen) addBudgets(f *plan.Facts) {
	stores := map[string]bool{}
	for _, w := range f.Workloads {
		stores[w.String()] = w.Store != ""
	}
	for _, b := range s.budgets {
		covers := slices.ContainsFunc(s.workloads, func(w workloadSeen) bool {
			return w.Namespace == b.Namespace && stores[w.String()] && b.selector.Matches(labels.Set(w.template))
		})
		if covers || s.store(b.Namespace, b.owner) != "" {
			f.Budgets = append(f.Budgets, b.Budget)
		}
	}
	sortBy(f.Budgets, func(b plan.Budget) string { return b.Namespace + "/" + b.Name })
}

// addReleases tells the operator's release from the others. Where there is
// more than one, the one that owns the ObjectStore definition is it.
func (s *seen) addReleases(f *plan.Facts) {
	owner := s.definitionOwner()
	sortBy(s.releases, func(r plan.Release) string { return r.Namespace + "/" + r.Name })
	operator := -1
	for i, r := range s.releases {
		if aistor.RoleOfChart(r.Chart) != aistor.RoleOperator {
			continue
		}
		here := r.Namespace == s.operatorNamespace
		if operator < 0 && here || (name{r.Namespace, r.Name}) == owner && here {
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

// definitionOwner is the release that owns the ObjectStore definition.
func (s *seen) definitionOwner() name {
	for _, c := range s.crds {
		if c.Name == aistor.CRDObjectStores {
			return c.release
		}
	}
	return name{}
}

// addBindings keeps those of AIStor's releases and those named as the operator
// chart names its own, whoever owns them now.
func (s *seen) addBindings(f *plan.Facts) {
	releases := map[string]bool{s.definitionOwner().String(): true}
	for _, r := range s.releases {
		releases[r.Namespace+"/"+r.Name] = true
	}
	delete(releases, "")
	for _, b := range s.bindings {
		if releases[b.Release] || chartsBinding(b.Name) {
			f.Bindings = append(f.Bindings, b)
		}
	}
	sortBy(f.Bindings, func(b plan.Binding) string { return b.String() })
}

func (s *seen) addDefinitions(f *plan.Facts) {
	for _, c := range s.crds {
		f.CRDs = append(f.CRDs, c.CRD)
	}
	sortBy(f.CRDs, func(c plan.CRD) string { return c.Name })
	for _, w := range s.webhooks {
		f.Webhooks = append(f.Webhooks, w.hooks...)
	}
	sortBy(f.Webhooks, func(w plan.Webhook) string { return w.Configuration + "/" + w.Name })
}

// addAccounts keeps the accounts that the pods run under, or will.
func (s *seen) addAccounts(f *plan.Facts) {
	used := map[name]bool{}
	use := func(namespace, account string) { used[name{namespace, cmp.Or(account, "default")}] = true }
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
		if used[name{a.Namespace, a.Name}] {
			f.Accounts = append(f.Accounts, a)
		}
	}
	sortBy(f.Accounts, func(a plan.Account) string { return a.Namespace + "/" + a.Name })
}

// narrow forgets the webhooks whose Service lies outside of the one namespace
// that was looked at: nothing is known of it.
func (s *seen) narrow(only string) {
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
