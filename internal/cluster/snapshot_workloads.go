package cluster

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

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
