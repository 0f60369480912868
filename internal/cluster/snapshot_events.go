package cluster

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// addEvents keeps the recent warnings about what is in f. A pod that is gone
// still counts when a workload of f made it: its name begins with the
// workload's.
func (s *snapshot) addEvents(f *plan.Facts) {
	known := make(map[plan.ObjectKey]bool, len(f.Pods)+len(f.Workloads)) // without their versions, which events may not tell
	var makers []plan.ObjectKey                                          // whose names end as their pods' begin to differ
	for _, p := range f.Pods {
		known[plan.ObjectKey{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}] = true
	}
	for _, w := range f.Workloads {
		known[plan.ObjectKey{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}] = true
		makers = append(makers, plan.ObjectKey{Namespace: w.Namespace, Name: w.Name + "-"})
	}
	for _, st := range f.Stores {
		known[plan.ObjectKey{Kind: aistor.KindObjectStore, Namespace: st.Namespace, Name: st.Name}] = true
	}
	for _, c := range f.Claims {
		known[plan.ObjectKey{Kind: "PersistentVolumeClaim", Namespace: c.Namespace, Name: c.Name}] = true
	}
	var kept []int // sorted below in the place of what they stand for, which is large
	for i := range s.events {
		e := &s.events[i]
		about := slices.ContainsFunc(makers, func(w plan.ObjectKey) bool {
			return w.Namespace == e.Object.Namespace && strings.HasPrefix(e.Object.Name, w.Name)
		}) || known[plan.ObjectKey{Kind: e.Object.Kind, Namespace: e.Object.Namespace, Name: e.Object.Name}]
		if about && s.now.Sub(e.Last) <= eventWindow {
			kept = append(kept, i)
		}
	}
	slices.SortFunc(kept, func(i, j int) int { return compareEvents(&s.events[i], &s.events[j]) })
	f.WarningEvents = slices.Grow(f.WarningEvents, len(kept))
	for _, i := range kept {
		f.WarningEvents = append(f.WarningEvents, s.events[i])
	}
}

// compareEvents checks the texts, which are often the same, only where all
// else is.
func compareEvents(a, b *plan.Event) int {
	if d := a.Last.Compare(b.Last); d != 0 {
		return d
	}
	if d := a.Object.Compare(b.Object); d != 0 {
		return d
	}
	return cmp.Or(strings.Compare(a.Reason, b.Reason), strings.Compare(a.Message, b.Message))
}

// gitOpsOwners lists who reconciles a release, once each. An object that Argo CD
// made itself belongs to no Helm release; it goes by its own name then.
func (s *snapshot) gitOpsOwners() []plan.GitOpsOwner {
	var out []plan.GitOpsOwner
	add := func(m ownership, namespace, n string) {
		if m.tool == "" {
			return
		}
		release := m.release
		if release.name == "" {
			release = namespacedName{namespace, n}
		}
		o := plan.GitOpsOwner{Release: release.String(), Tool: m.tool, Reconciler: m.reconciler}
		if !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	for _, st := range s.stores {
		add(st.ownership, st.Namespace, st.Name)
	}
	for _, w := range s.workloads {
		if w.operator && w.Namespace == s.operatorNamespace {
			add(w.ownership, w.Namespace, w.reconciler.Name)
		}
	}
	for _, c := range s.crds {
		add(c.ownership, s.operatorNamespace, c.reconciler.Name)
	}
	for _, w := range s.webhooks {
		add(w.ownership, s.operatorNamespace, w.reconciler.Name)
	}
	sortBy(out, func(o plan.GitOpsOwner) string { return o.Release + " " + o.Reconciler.String() })
	return out
}
