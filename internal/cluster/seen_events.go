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
func (s *seen) addEvents(f *plan.Facts) {
	known := map[string]bool{}
	var makers []plan.ObjectKey
	for _, p := range f.Pods {
		known["Pod/"+p.Namespace+"/"+p.Name] = true
	}
	for _, w := range f.Workloads {
		known[w.String()] = true
		makers = append(makers, w.ObjectKey)
	}
	for _, st := range f.Stores {
		known[aistor.KindObjectStore+"/"+st.Namespace+"/"+st.Name] = true
	}
	for _, c := range f.Claims {
		known["PersistentVolumeClaim/"+c.Namespace+"/"+c.Name] = true
	}
	var kept []int // sorted below in the place of what they stand for, which is large
	for i, e := range s.events {
		about := slices.ContainsFunc(makers, func(w plan.ObjectKey) bool {
			return w.Namespace == e.Object.Namespace && strings.HasPrefix(e.Object.Name, w.Name+"-")
		}) || known[e.Object.String()]
		if about && s.now.Sub(e.Last) <= eventWindow {
			kept = append(kept, i)
		}
	}
	slices.SortFunc(kept, func(i, j int) int {
		a, b := &s.events[i], &s.events[j]
		return cmp.Or(a.Last.Compare(b.Last), a.Object.Compare(b.Object), strings.Compare(a.Reason, b.Reason), strings.Compare(a.Message, b.Message))
	})
	f.Warnings = slices.Grow(f.Warnings, len(kept))
	for _, i := range kept {
		f.Warnings = append(f.Warnings, s.events[i])
	}
}

// managers lists who reconciles a release, once each. An object that Argo CD
// made itself belongs to no Helm release; it goes by its own name then.
func (s *seen) managers() []plan.GitOpsOwner {
	var out []plan.GitOpsOwner
	add := func(m mark, namespace, n string) {
		if m.tool == "" {
			return
		}
		release := m.release
		if release.name == "" {
			release = name{namespace, n}
		}
		o := plan.GitOpsOwner{Release: release.String(), Tool: m.tool, By: m.by}
		if !slices.Contains(out, o) {
			out = append(out, o)
		}
	}
	for _, st := range s.stores {
		add(st.mark, st.Namespace, st.Name)
	}
	for _, w := range s.workloads {
		if w.operator && w.Namespace == s.operatorNamespace {
			add(w.mark, w.Namespace, w.by.Name)
		}
	}
	for _, c := range s.crds {
		add(c.mark, s.operatorNamespace, c.by.Name)
	}
	for _, w := range s.webhooks {
		add(w.mark, s.operatorNamespace, w.by.Name)
	}
	sortBy(out, func(o plan.GitOpsOwner) string { return o.Release + " " + o.By.String() })
	return out
}
