package plan

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// ReadPermissions are the permissions to collect the facts that a plan is made from, and
// that the checks before and after need; it changes nothing. Secrets are read
// where Helm keeps its records, for the license, and to try pull secrets. The
// list is sorted.
func (in Inputs) ReadPermissions() []Permission {
	r := &permissionSet{}
	in.addClusterReads(r)
	for _, ns := range in.watchedNamespaces() {
		addNamespaceReads(r, ns)
	}
	r.addVerbs(Permission{Resource: "configmaps", Namespace: in.journalNamespace()}, "list")
	in.addProbeReads(r)
	for _, c := range in.orderedChanges() {
		addRenderedReads(r, c)
	}
	sortPermissions(r.list)
	return r.list
}

// addClusterReads adds cluster-wide reads, or those in one namespace
// where no more may be seen.
func (in Inputs) addClusterReads(r *permissionSet) {
	wide := []Permission{
		{Resource: "nodes"}, {Resource: "pods"},
		{Group: aistor.ObjectStoreGVR().Group, Resource: aistor.ObjectStoreGVR().Resource},
		{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"},
		{Group: "admissionregistration.k8s.io", Resource: "mutatingwebhookconfigurations"},
		{Group: rbac, Resource: "clusterrolebindings"},
	}
	if in.isSingleNamespace() {
		wide = []Permission{{Resource: "pods", Namespace: in.Facts.Namespace},
			{Group: aistor.ObjectStoreGVR().Group, Resource: aistor.ObjectStoreGVR().Resource, Namespace: in.Facts.Namespace}}
	} else {
		r.addVerbs(Permission{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}, "get")
		r.addVerbs(Permission{Resource: "namespaces", Names: []string{"kube-system"}}, "get")
		r.addVerbs(Permission{Resource: "persistentvolumes", Optional: true}, "list")
	}
	for _, a := range wide {
		r.addVerbs(a, "list")
	}
}

// addNamespaceReads adds the reads in one namespace with AIStor.
func addNamespaceReads(r *permissionSet, ns string) {
	for _, a := range []Permission{
		{Resource: "secrets"}, {Resource: "services"}, {Resource: "events"}, {Resource: "serviceaccounts"}, {Resource: "resourcequotas"},
		{Resource: "persistentvolumeclaims"},
		{Group: "apps", Resource: "deployments"}, {Group: "apps", Resource: "statefulsets"},
		{Group: "policy", Resource: "poddisruptionbudgets"}, {Group: "discovery.k8s.io", Resource: "endpointslices"},
		{Group: rbac, Resource: "rolebindings"},
	} {
		a.Namespace = ns
		r.addVerbs(a, "list")
	}
	r.addVerbs(Permission{Resource: "secrets", Namespace: ns}, "get")
	// A namespace is in itself, as far as roles are concerned.
	r.addVerbs(Permission{Resource: "namespaces", Namespace: ns, Names: []string{ns}, Optional: true}, "get")
}

// addRenderedReads adds reads of each object of a release, before and after.
func addRenderedReads(r *permissionSet, c Change) {
	for _, o := range append(slices.Clone(c.Before), c.After...) {
		k := KeyOf(o, c.Namespace)
		if k.Kind == "" {
			continue
		}
		a := permissionFor(k)
		a.Names = []string{k.Name}
		r.addVerbs(a, "get")
	}
}

// addProbeReads are those that the stores and the operator's log answer: whether a
// store has its quorum, through the API server, and what the operator complains
// of.
func (in Inputs) addProbeReads(r *permissionSet) {
	if !in.isSingleNamespace() {
		r.addVerbs(Permission{Resource: "pods/log", Namespace: in.journalNamespace(), Optional: true}, "get")
	}
	if in.Facts == nil {
		return
	}
	for _, st := range in.Facts.Stores {
		for _, s := range in.Facts.Services {
			if s.Namespace != st.Namespace || s.Name != st.ServiceName() || len(s.Ports) == 0 {
				continue
			}
			port := strconv.Itoa(s.Ports[0])
			names := []string{"https:" + s.Name + ":" + port}
			if !strings.HasSuffix(port, "443") {
				names = append(names, "http:"+s.Name+":"+port)
			}
			for _, name := range names {
				r.addVerbs(Permission{Resource: "services/proxy", Namespace: st.Namespace, Names: []string{name}, Optional: true}, "get")
			}
		}
	}
}

func sortPermissions(list []Permission) {
	slices.SortFunc(list, func(a, b Permission) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Group, b.Group),
			cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb), compareFlags(a, b))
	})
}

// compareFlags puts what is needed before what is held and what would do instead.
func compareFlags(a, b Permission) int {
	rank := func(a Permission) int {
		switch {
		case a.Instead:
			return 2
		case a.Held:
			return 1
		}
		return 0
	}
	return rank(a) - rank(b)
}

// RoleManifests are the roles that grant a sorted list and nothing else: one
// ClusterRole for what is cluster-wide, and a Role for each namespace, all of
// one name. Who holds them is left to bindings. Optional rights are granted
// too, and so are the rights of the roles that the charts bring, rather than
// escalate and bind, with which their holder could become anybody.
// Where subjects are given a binding follows each role.
func RoleManifests(name string, list []Permission, subjects ...Subject) []images.Object {
	var out []images.Object
	for i := 0; i < len(list); {
		ns, rules := list[i].Namespace, []any{}
		for ; i < len(list) && list[i].Namespace == ns; i++ {
			if !list[i].Instead {
				rules = addRule(rules, list[i])
			}
		}
		meta := map[string]any{"name": name}
		kind := "ClusterRole"
		if ns != "" {
			kind, meta["namespace"] = "Role", ns
		}
		out = append(out, images.Object{"apiVersion": rbac + "/v1", "kind": kind, "metadata": meta, "rules": rules})
		if len(subjects) > 0 {
			out = append(out, bindingTo(kind, meta, subjects))
		}
	}
	return out
}

// addRule grants one right: where the last rule is about the same objects it
// gets the verb too.
func addRule(rules []any, a Permission) []any {
	rule := map[string]any{"apiGroups": []any{a.Group}, "resources": []any{a.Resource}}
	if len(a.Names) > 0 {
		names := []any{}
		for _, n := range a.Names {
			names = append(names, n)
		}
		rule["resourceNames"] = names
	}
	for _, x := range rules {
		have, _ := x.(map[string]any)
		if equalFields(have, rule, "apiGroups", "resources", "resourceNames") {
			verbs, _ := have["verbs"].([]any)
			if !slices.Contains(verbs, any(a.Verb)) {
				have["verbs"] = append(verbs, a.Verb)
			}
			return rules
		}
	}
	rule["verbs"] = []any{a.Verb}
	return append(rules, rule)
}

func equalFields(a, b map[string]any, fields ...string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool { return !reflect.DeepEqual(a[f], b[f]) })
}
