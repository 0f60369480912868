package cluster

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

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

// restrictWebhooks removes the webhooks whose Service is outside the one namespace
// that was read: nothing is known of it.
func (s *snapshot) restrictWebhooks(only string) {
	for i := range s.webhooks {
		s.webhooks[i].hooks = slices.DeleteFunc(s.webhooks[i].hooks, func(w plan.Webhook) bool {
			return !strings.HasPrefix(w.Service, only+"/")
		})
	}
}
