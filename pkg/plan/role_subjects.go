package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Subject is who holds a role: a User, a Group or a ServiceAccount.
type Subject struct{ Kind, Namespace, Name string }

// bindingTo binds the role of kind with metadata meta, under its own name.
func bindingTo(kind string, meta map[string]any, subjects []Subject) images.Object {
	var list []any
	for _, s := range subjects {
		one := map[string]any{"kind": s.Kind, "name": s.Name}
		if s.Kind == "ServiceAccount" {
			one["namespace"] = s.Namespace
		} else {
			one["apiGroup"] = rbac
		}
		list = append(list, one)
	}
	return images.Object{"apiVersion": rbac + "/v1", "kind": kind + "Binding", "metadata": meta, "subjects": list,
		"roleRef": map[string]any{"apiGroup": rbac, "kind": kind, "name": meta["name"]}}
}

// Strengths are sentences about rights that let their holder do more than the
// upgrade itself; none where there are no such rights.
func Strengths(list []Permission) []string {
	var notes []string
	var secrets []string
	for _, a := range list {
		where := "everywhere"
		if a.Namespace != "" {
			where = "in namespace " + a.Namespace
		}
		switch everything := a.Verb == "*" || a.Verb == "escalate" || a.Verb == "impersonate"; {
		case a.Instead:
		case everything && a.Group == rbac, a.Verb == "*" && a.Group == "*" && a.Resource == "*", a.Verb == "impersonate":
			notes = append(notes, fmt.Sprintf("Equivalent to cluster-admin %s: it may %s %s.", where, a.Verb, a.GroupResource()))
		case a.Verb == "bind" && a.Group == rbac && !a.Held:
			for _, name := range a.Names {
				notes = append(notes, fmt.Sprintf("Equivalent to %s %s, which no chart contains and which it may bind %s.", strings.TrimSuffix(a.Resource, "s"), name, where))
			}
		case a.Held && a.Namespace == "" && a.Group == "" && (a.Resource == "secrets" || a.Resource == "*") && len(a.Names) == 0:
			secrets = append(secrets, a.Verb)
		}
	}
	if len(secrets) > 0 {
		notes = append(notes, fmt.Sprintf("It may %s Secrets in every namespace, because the charts' ClusterRoles may, and writing "+
			"a role requires its permissions. Treat its holder as a cluster administrator, and revoke it after the upgrade.", strings.Join(secrets, ", ")))
	}
	slices.Sort(notes)
	return slices.Compact(notes)
}
