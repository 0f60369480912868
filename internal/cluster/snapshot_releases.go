package cluster

import (
	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

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
