package plan

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const rbac = "rbac.authorization.k8s.io"

// Rights is what carrying out the changes takes beyond the look at the cluster
// that was taken already: the objects that Helm writes, Helm's own records,
// the lease and the journal, and what is watched meanwhile. A change that is in
// place already writes nothing. What the charts' roles grant has to be held by
// whoever writes them, so that nobody needs to escalate. The list is sorted.
func (in Inputs) Rights() []Access {
	r := &rights{}
	live := roles{}
	if in.Facts != nil {
		live = liveRoles(in.Facts)
	}
	for _, c := range in.changes() {
		if c.Unchanged {
			continue
		}
		r.records(c)
		for _, b := range live.conflicts(c) {
			a := resourceOf(b.ObjectKey)
			a.Group, a.Names = rbac, []string{b.Name}
			r.need(a, "get", "delete")
			a.Names = nil
			r.need(a, "create")
			r.bind(in.chartRoles(), c, b.ObjectKey)
		}
		live = live.after(c)
		r.objects(in.chartRoles(), c)
	}
	if len(in.License) > 0 {
		r.need(Access{Resource: "secrets", Namespace: in.rightsNamespace(), Names: []string{aistor.LicenseSecret}}, "get", "update")
	}
	r.own(in.rightsNamespace())
	for _, ns := range in.watchedNamespaces() {
		r.watch(ns)
		r.need(Access{Group: "coordination.k8s.io", Resource: "leases", Namespace: ns}, "get", "create", "update")
		tried := Access{Resource: "pods", Namespace: ns, Optional: true, Why: "pods are tried on the server beforehand, as dry runs"}
		r.need(tried, "create")
		if in.hasStore(ns) {
			r.need(tried, "get") // a live pod is copied
		}
	}
	if !in.within() {
		r.need(Access{Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations"}, "list", "watch")
	}
	sortAccess(r.list)
	return r.list
}

// records is what Helm does with the Secrets it keeps its revisions in; their
// names aren't known before.
func (r *rights) records(c Change) {
	r.need(Access{Resource: "secrets", Namespace: c.Namespace}, "get", "list", "create", "update", "delete")
}

// objects is what Helm does to bring one manifest to another: it reads each
// object, patches those that are there, creates those that are not, and
// deletes those that the target lacks.
func (r *rights) objects(known chartRoles, c Change) {
	before, after := keyed(c.Before, c.Namespace), keyed(c.After, c.Namespace)
	for k, o := range after {
		a := resourceOf(k)
		a.Names = []string{k.Name}
		r.need(a, "get", "patch")
		was, there := before[k]
		if !there {
			a.Names = nil
			r.need(a, "create")
		}
		r.grants(known, c, k, o, was)
	}
	for k, o := range before {
		if _, stays := after[k]; stays || images.Text(o, "metadata", "annotations", "helm.sh/resource-policy") == "keep" {
			continue
		}
		a := resourceOf(k)
		a.Names = []string{k.Name}
		r.need(a, "get", "delete")
	}
}

// own is for the journal of a run.
func (r *rights) own(namespace string) {
	r.need(Access{Resource: "configmaps", Namespace: namespace}, "get", "list", "create", "update")
	r.need(Access{Resource: "configmaps", Namespace: namespace, Optional: true, Why: "old journals are pruned"}, "delete")
}

// watch is for what is followed while something changes.
func (r *rights) watch(namespace string) {
	for _, a := range []Access{
		{Group: "apps", Resource: "deployments"}, {Group: "apps", Resource: "statefulsets"},
		{Resource: "pods"}, {Resource: "events"}, {Resource: "services"}, {Resource: "persistentvolumeclaims"},
		{Group: "discovery.k8s.io", Resource: "endpointslices"},
		{Group: aistor.ObjectStoreGVR().Group, Resource: aistor.ObjectStoreGVR().Resource},
	} {
		a.Namespace = namespace
		r.need(a, "list", "watch")
	}
}

// rightsNamespace is where lease and journal are kept.
func (in Inputs) rightsNamespace() string {
	switch {
	case in.within():
		return in.Facts.Namespace
	case len(in.Operator) > 0:
		return in.Operator[0].Namespace
	case in.Facts != nil && in.Facts.Operator != nil:
		return in.Facts.Operator.Namespace
	}
	return aistor.DefaultOperatorNamespace
}

// within reports whether one namespace alone is looked at.
func (in Inputs) within() bool { return in.Facts != nil && in.Facts.Namespace != "" }

func (in Inputs) hasStore(namespace string) bool {
	return in.Facts != nil && slices.ContainsFunc(in.Facts.Stores, func(s Store) bool { return s.Namespace == namespace })
}

// LeaseNamespaces are those whose Lease keeps other runs away from what this one
// changes or restarts: the operator's and those of all stores, or the one that
// is looked at alone. They are sorted.
func (in Inputs) LeaseNamespaces() []string { return in.watchedNamespaces() }

// watchedNamespaces are the operator's and those of all stores.
func (in Inputs) watchedNamespaces() []string {
	list := []string{in.rightsNamespace()}
	for _, c := range in.changes() {
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

func keyed(objects []images.Object, namespace string) map[ObjectKey]images.Object {
	m := map[ObjectKey]images.Object{}
	for _, o := range objects {
		if k := KeyOf(o, namespace); k.Kind != "" {
			m[k] = o
		}
	}
	return m
}
