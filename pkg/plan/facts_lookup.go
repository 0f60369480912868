package plan

import (
	"cmp"
	"iter"
)

// Store is the object store namespace/name, or nil.
func (f *Facts) Store(key string) *Store {
	for i, s := range f.Stores {
		if s.Key() == key {
			return &f.Stores[i]
		}
	}
	return nil
}

// Workload is one Deployment or StatefulSet, or nil.
func (f *Facts) Workload(kind, namespace, name string) *Workload {
	for i, w := range f.Workloads {
		if w.Kind == kind && w.Namespace == namespace && w.Name == name {
			return &f.Workloads[i]
		}
	}
	return nil
}

// StatefulSetsOf are those of the object store namespace/name.
func (f *Facts) StatefulSetsOf(store string) []Workload {
	var sets []Workload
	for _, w := range f.Workloads {
		if w.Kind == "StatefulSet" && w.Store == store {
			sets = append(sets, w)
		}
	}
	return sets
}

// PodsOf are the pods that a workload made.
func (f *Facts) PodsOf(w Workload) iter.Seq[Pod] {
	return func(yield func(Pod) bool) {
		for _, p := range f.Pods {
			if p.Namespace == w.Namespace && p.Controller() == w.Kind+"/"+w.Name && !yield(p) {
				return
			}
		}
	}
}

// Controller is what made the pod, as Kind/name: the Deployment instead of its
// ReplicaSet; empty for a pod that nothing made.
func (p Pod) Controller() string { return cmp.Or(p.Workload, p.Owner) }
