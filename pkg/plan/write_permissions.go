package plan

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const rbac = "rbac.authorization.k8s.io"

// WritePermissions are the permissions to apply the changes beyond the reads
// that was taken already: the objects that Helm writes, Helm's own records,
// the lease and the journal, and what is watched meanwhile. A change that is in
// place already writes nothing. What the charts' roles grant has to be held by
// whoever writes them, so that nobody needs to escalate. The list is sorted.
func (in Inputs) WritePermissions() []Permission {
	r := &permissionSet{}
	live := bindingSet{}
	if in.Facts != nil {
		live = liveBindings(in.Facts)
	}
	for _, c := range in.orderedChanges() {
		if c.Unchanged {
			continue
		}
		r.addReleaseRecords(c)
		for _, b := range live.findRoleConflicts(c) {
			a := permissionFor(b.ObjectKey)
			a.Group, a.Names = rbac, []string{b.Name}
			r.addVerbs(a, "get", "delete")
			a.Names = nil
			r.addVerbs(a, "create")
			r.addBind(in.chartRoles(), c, b.ObjectKey)
		}
		live = live.applyChange(c)
		r.addObjects(in.chartRoles(), c)
	}
	if len(in.License) > 0 {
		r.addVerbs(Permission{Resource: "secrets", Namespace: in.journalNamespace(), Names: []string{aistor.LicenseSecret}}, "get", "update")
	}
	r.addLeaseAndJournal(in.journalNamespace())
	for _, ns := range in.watchedNamespaces() {
		r.addWatches(ns)
		r.addVerbs(Permission{Group: "coordination.k8s.io", Resource: "leases", Namespace: ns}, "get", "create", "update")
		tried := Permission{Resource: "pods", Namespace: ns, Optional: true, Why: "pods are validated with server-side dry runs"}
		r.addVerbs(tried, "create")
		if in.hasStore(ns) {
			r.addVerbs(tried, "get") // a live pod is copied
		}
	}
	if !in.isSingleNamespace() {
		r.addVerbs(Permission{Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations"}, "list", "watch")
	}
	sortPermissions(r.list)
	return r.list
}

// addReleaseRecords is what Helm does with the Secrets it keeps its revisions in; their
// names aren't known before.
func (r *permissionSet) addReleaseRecords(c Change) {
	r.addVerbs(Permission{Resource: "secrets", Namespace: c.Namespace}, "get", "list", "create", "update", "delete")
}

// addObjects is what Helm does to bring one manifest to another: it reads each
// object, patches those that are there, creates those that are not, and
// deletes those that the target lacks.
func (r *permissionSet) addObjects(known chartRoles, c Change) {
	before, after := objectsByKey(c.Before, c.Namespace), objectsByKey(c.After, c.Namespace)
	for k, o := range after {
		a := permissionFor(k)
		a.Names = []string{k.Name}
		r.addVerbs(a, "get", "patch")
		was, there := before[k]
		if !there {
			a.Names = nil
			r.addVerbs(a, "create")
		}
		r.addEscalate(known, c, k, o, was)
	}
	for k, o := range before {
		if _, stays := after[k]; stays || images.NestedString(o, "metadata", "annotations", "helm.sh/resource-policy") == "keep" {
			continue
		}
		a := permissionFor(k)
		a.Names = []string{k.Name}
		r.addVerbs(a, "get", "delete")
	}
}

// addLeaseAndJournal is for the journal of a run.
func (r *permissionSet) addLeaseAndJournal(namespace string) {
	r.addVerbs(Permission{Resource: "configmaps", Namespace: namespace}, "get", "list", "create", "update")
	r.addVerbs(Permission{Resource: "configmaps", Namespace: namespace, Optional: true, Why: "old journals are pruned"}, "delete")
}

// addWatches is for what is followed while something changes.
func (r *permissionSet) addWatches(namespace string) {
	for _, a := range []Permission{
		{Group: "apps", Resource: "deployments"}, {Group: "apps", Resource: "statefulsets"},
		{Resource: "pods"}, {Resource: "events"}, {Resource: "services"}, {Resource: "persistentvolumeclaims"},
		{Group: "discovery.k8s.io", Resource: "endpointslices"},
		{Group: aistor.ObjectStoreGVR().Group, Resource: aistor.ObjectStoreGVR().Resource},
	} {
		a.Namespace = namespace
		r.addVerbs(a, "list", "watch")
	}
}

// journalNamespace is where lease and journal are kept.
func (in Inputs) journalNamespace() string {
	switch {
	case in.isSingleNamespace():
		return in.Facts.Namespace
	case len(in.Operator) > 0:
		return in.Operator[0].Namespace
	case in.Facts != nil && in.Facts.Operator != nil:
		return in.Facts.Operator.Namespace
	}
	return aistor.DefaultOperatorNamespace
}

// isSingleNamespace reports whether only one namespace is read.
func (in Inputs) isSingleNamespace() bool { return in.Facts != nil && in.Facts.Namespace != "" }

func (in Inputs) hasStore(namespace string) bool {
	return in.Facts != nil && slices.ContainsFunc(in.Facts.Stores, func(s Store) bool { return s.Namespace == namespace })
}

// LeaseNamespaces are those whose Lease keeps other runs away from what this one
// changes or restarts: the operator's and those of all stores, or the one that
// is checked alone. They are sorted.
func (in Inputs) LeaseNamespaces() []string { return in.watchedNamespaces() }

// watchedNamespaces are the operator's and those of all stores.
func (in Inputs) watchedNamespaces() []string {
	list := []string{in.journalNamespace()}
	for _, c := range in.orderedChanges() {
		list = append(list, c.Namespace)
	}
	if in.Facts != nil {
		for _, s := range in.Facts.Stores {
			list = append(list, s.Namespace)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func objectsByKey(objects []images.Object, namespace string) map[ObjectKey]images.Object {
	m := map[ObjectKey]images.Object{}
	for _, o := range objects {
		if k := KeyOf(o, namespace); k.Kind != "" {
			m[k] = o
		}
	}
	return m
}
