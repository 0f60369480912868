package plan

import (
	"reflect"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// chartRoles are the roles that the charts bring, before and after each change,
// by object: a role that changes is there more than once.
type chartRoles map[string][]images.Object

func (in Inputs) chartRoles() chartRoles {
	known := chartRoles{}
	for _, c := range in.orderedChanges() {
		for _, list := range [][]images.Object{c.Before, c.After} {
			for k, o := range objectsByKey(list, c.Namespace) {
				if k.Kind == "ClusterRole" || k.Kind == "Role" {
					id := roleID(k.Kind, k.Namespace, k.Name)
					known[id] = append(known[id], o)
				}
			}
		}
	}
	return known
}

func roleID(kind, namespace, name string) string { return kind + "/" + namespace + "/" + name }

// addEscalate is what the API server wants of whoever writes a role or binding that
// comes or changes: the rights of the role, as it was too, since a failed upgrade
// goes back.
func (r *permissionSet) addEscalate(known chartRoles, c Change, k ObjectKey, o, was images.Object) {
	// It checks the rules whatever else of the object changes, a label alone.
	if reflect.DeepEqual(o, was) {
		return
	}
	switch k.Kind {
	case "ClusterRole", "Role":
		for _, role := range []images.Object{o, was} {
			r.hold(k.Namespace, role)
			if images.NestedValue(role, "aggregationRule") != nil { // gathers rules that nobody knows beforehand
				a := permissionFor(k)
				a.Names = []string{k.Name}
				r.addVerbs(a, "escalate")
			}
		}
	case "ClusterRoleBinding", "RoleBinding":
		r.addBind(known, c, k)
	}
}

// addBind is for the roles that a change gives to a binding. One that no chart
// brings has rules that are not known, so that the right to bind it is needed.
func (r *permissionSet) addBind(known chartRoles, c Change, k ObjectKey) {
	for i, list := range [][]images.Object{c.After, c.Before} {
		for _, b := range renderedBindings(list, c.Namespace) {
			if b.Kind != k.Kind || b.Name != k.Name || b.Namespace != k.Namespace || b.RoleName == "" {
				continue
			}
			a := Permission{Group: rbac, Resource: "clusterroles", Names: []string{b.RoleName}}
			if b.RoleKind == "Role" {
				a.Resource, a.Namespace = "roles", k.Namespace
			}
			if i > 0 {
				a.Optional, a.Why = true, "required to restore a binding if the upgrade fails"
			}
			roles := known[roleID(b.RoleKind, a.Namespace, b.RoleName)]
			if len(roles) == 0 {
				r.addVerbs(a, "bind")
			}
			for _, role := range roles {
				r.hold(k.Namespace, role)
			}
		}
	}
}

// hold is for every rule of a role, in one namespace or everywhere.
func (r *permissionSet) hold(namespace string, role images.Object) {
	rules, _ := images.NestedValue(role, "rules").([]any)
	for _, rule := range rules {
		for _, group := range texts(rule, "apiGroups") {
			for _, resource := range texts(rule, "resources") {
				a := Permission{Group: group, Resource: resource, Namespace: namespace, Names: texts(rule, "resourceNames"), Held: true}
				r.addVerbs(a, texts(rule, "verbs")...)
			}
		}
	}
	if len(rules) > 0 {
		for _, resource := range []string{"clusterroles", "roles"} {
			if resource == "clusterroles" || namespace != "" {
				instead := Permission{Group: rbac, Resource: resource, Namespace: namespace, Optional: true, Instead: true}
				r.addVerbs(instead, "escalate", "bind")
			}
		}
	}
}

// texts is a list of strings in a document; what is none is left out.
func texts(v any, key string) []string {
	list, _ := images.NestedValue(v, key).([]any)
	var out []string
	for _, one := range list {
		if s, ok := one.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
