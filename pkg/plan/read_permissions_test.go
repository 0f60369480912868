package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func TestRolesGrantEachRightOnce(t *testing.T) {
	t.Parallel()
	got := RoleManifests("up", []Permission{
		{Verb: "list", Resource: "nodes"},
		{Verb: "get", Resource: "secrets", Namespace: "a"},
		{Verb: "list", Resource: "secrets", Namespace: "a"},
		{Verb: "patch", Group: "apps", Resource: "deployments", Namespace: "a", Names: []string{"x", "y"}},
		{Verb: "create", Group: "apps", Resource: "deployments", Namespace: "a"},
		{Verb: "bind", Group: rbac, Resource: "roles", Namespace: "b", Names: []string{"r"}, Optional: true},
	})
	rule := func(group, resource string, verbs []any, names ...any) map[string]any {
		r := map[string]any{"apiGroups": []any{group}, "resources": []any{resource}, "verbs": verbs}
		if len(names) > 0 {
			r["resourceNames"] = names
		}
		return r
	}
	want := []any{
		[]any{"ClusterRole", "", rule("", "nodes", []any{"list"})},
		[]any{
			"Role", "a", rule("", "secrets", []any{"get", "list"}),
			rule("apps", "deployments", []any{"patch"}, "x", "y"), rule("apps", "deployments", []any{"create"}),
		},
		[]any{"Role", "b", rule(rbac, "roles", []any{"bind"}, "r")},
	}
	var have []any
	for _, o := range got {
		rules, _ := o["rules"].([]any)
		have = append(have, append([]any{images.NestedString(o, "kind"), images.NestedString(o, "metadata", "namespace")}, rules...))
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

// Looking never asks for a right to change, and covers the objects that the
// charts render.
func TestLookChangesNothing(t *testing.T) {
	t.Parallel()
	in := rightsInputs()
	var names []string
	for _, a := range in.ReadPermissions() {
		if !slices.Contains([]string{"get", "list", "watch"}, a.Verb) {
			t.Errorf("looking takes %s %s", a.Verb, a.GroupResource())
		}
		if a.Resource == "deployments" && a.Verb == "get" {
			names = append(names, a.Names...)
		}
	}
	if !slices.Contains(names, "op") {
		t.Errorf("the operator's Deployment is not read: %v", names)
	}
}
