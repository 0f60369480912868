package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// rightsOf are lines such as "patch apps/deployments aistor [a b]".
func rightsOf(in Inputs) []string {
	var lines []string
	for _, a := range in.WritePermissions() {
		words := []string{a.Verb, strings.TrimPrefix(a.Group+"/"+a.Resource, "/")}
		if a.Namespace != "" {
			words = append(words, a.Namespace)
		}
		if len(a.Names) > 0 {
			words = append(words, "["+strings.Join(a.Names, " ")+"]")
		}
		if a.Optional {
			words = append(words, "optional")
		}
		if a.Held {
			words = append(words, "held")
		}
		if a.Instead {
			words = append(words, "instead")
		}
		if a.Kind != "" {
			words = append(words, a.Kind, a.Version)
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return lines
}

func newTypedObject(apiVersion, kind, name string, more map[string]any) images.Object {
	o := newObject(kind, name)
	o["apiVersion"] = apiVersion
	for k, v := range more {
		o[k] = v
	}
	return o
}

func rightsInputs() Inputs {
	const roles = "rbac.authorization.k8s.io/v1"
	role := func(verb string) images.Object {
		return newTypedObject(roles, "ClusterRole", "op", map[string]any{"rules": []any{
			map[string]any{"apiGroups": []any{""}, "resources": []any{"nodes"}, "resourceNames": []any{"n"}, "verbs": []any{verb}}}})
	}
	return Inputs{
		Facts: &Facts{
			Operator: &InstalledRelease{Namespace: "aistor", Name: "aistor"},
			Stores:   []Store{{Namespace: "team-b", Name: "other"}},
			Bindings: []Binding{newBinding("op", "old")},
		},
		Operator: []Change{{
			Namespace: "aistor", Release: "aistor",
			Before: []images.Object{
				newTypedObject("apps/v1", "Deployment", "op", nil), role("get"), bindingObject("op", "old"),
				newTypedObject("v1", "Service", "gone", nil),
				newTypedObject("apiextensions.k8s.io/v1", "CustomResourceDefinition", "kept", map[string]any{
					"metadata": map[string]any{"name": "kept", "annotations": map[string]any{"helm.sh/resource-policy": "keep"}}}),
			},
			After: []images.Object{
				newTypedObject("apps/v1", "Deployment", "op", nil), role("list"), bindingObject("op", "new"),
				newTypedObject("networking.k8s.io/v1", "NetworkPolicy", "wall", nil), newTypedObject("x.io/v1", "Gadget", "g", nil),
			},
		}},
		Stores: []Change{{Namespace: "team-a", Release: "primary", Store: "primary", Unchanged: true,
			Before: []images.Object{storeObject("primary", "")}, After: []images.Object{storeObject("primary", "")}}},
	}
}

func TestRightsAreExactlyWhatTheChangesTake(t *testing.T) {
	t.Parallel()
	got := slices.DeleteFunc(rightsOf(rightsInputs()), func(l string) bool {
		verb, rest, _ := strings.Cut(l, " ")
		return verb == "watch" || verb == "list" && !strings.HasPrefix(rest, "secrets") && !strings.HasPrefix(rest, "configmaps") && !strings.HasSuffix(rest, " held")
	})
	want := []string{
		// What the role grants, before and after, and no escalate.
		"get nodes [n] held", "list nodes [n] held",
		"bind rbac.authorization.k8s.io/clusterroles [new old]",
		"bind rbac.authorization.k8s.io/clusterroles optional instead",
		"escalate rbac.authorization.k8s.io/clusterroles optional instead",
		"create rbac.authorization.k8s.io/clusterrolebindings",
		"delete rbac.authorization.k8s.io/clusterrolebindings [op]",
		"get rbac.authorization.k8s.io/clusterrolebindings [op]",
		"patch rbac.authorization.k8s.io/clusterrolebindings [op]",
		"get rbac.authorization.k8s.io/clusterroles [op]",
		"patch rbac.authorization.k8s.io/clusterroles [op]",
		"create configmaps aistor", "delete configmaps aistor optional", "get configmaps aistor", "list configmaps aistor", "update configmaps aistor",
		"create secrets aistor", "delete secrets aistor", "get secrets aistor", "list secrets aistor", "update secrets aistor",
		"delete services aistor [gone]", "get services aistor [gone]",
		"get apps/deployments aistor [op]", "patch apps/deployments aistor [op]",
		"create networking.k8s.io/networkpolicies aistor", "get networking.k8s.io/networkpolicies aistor [wall]", "patch networking.k8s.io/networkpolicies aistor [wall]",
		"create x.io/gadgets aistor Gadget v1", "get x.io/gadgets aistor [g] Gadget v1", "patch x.io/gadgets aistor [g] Gadget v1",
	}
	for _, ns := range []string{"aistor", "team-a", "team-b"} { // for trying pods beforehand
		want = append(want, "create pods "+ns+" optional")
		for _, verb := range []string{"create", "get", "update"} { // so that no other run changes them
			want = append(want, verb+" coordination.k8s.io/leases "+ns)
		}
		if ns == "team-b" { // the one whose store lives, so that there is a pod to copy
			want = append(want, "get pods "+ns+" optional")
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rights (-want +got):\n%s", diff)
	}
}

func TestRightsToWatchCoverEveryNamespaceOfAStore(t *testing.T) {
	t.Parallel()
	got := rightsOf(rightsInputs())
	for _, ns := range []string{"aistor", "team-a", "team-b"} {
		for _, r := range []string{"apps/deployments", "apps/statefulsets", "pods", "events", "services", "discovery.k8s.io/endpointslices", "aistor.min.io/objectstores"} {
			for _, verb := range []string{"list", "watch"} {
				if line := verb + " " + r + " " + ns; !slices.Contains(got, line) {
					t.Errorf("%q is not needed", line)
				}
			}
		}
		if line := "list persistentvolumeclaims " + ns; !slices.Contains(got, line) {
			t.Errorf("%q is not needed", line)
		}
	}
	for _, verb := range []string{"list", "watch"} {
		if line := verb + " admissionregistration.k8s.io/mutatingwebhookconfigurations"; !slices.Contains(got, line) {
			t.Errorf("%q is not needed", line)
		}
	}
}

func TestPluralsOfKinds(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{
		"Ingress": "ingresses", "NetworkPolicy": "networkpolicies", "StorageClass": "storageclasses", "Role": "roles",
		"Gateway": "gateways", "PodDisruptionBudget": "poddisruptionbudgets", "Switch": "switches",
	} {
		if got := plainPlural(kind); got != want {
			t.Errorf("%s: received %s, expected %s", kind, got, want)
		}
	}
}

func TestQuestionsAreCommandsOfKubectl(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]Permission{
		"kubectl auth can-i get secrets -n a":         {Verb: "get", Resource: "secrets", Namespace: "a"},
		"kubectl auth can-i patch roles.rbac/x":       {Verb: "patch", Resource: "roles", Group: "rbac", Names: []string{"x"}},
		"kubectl auth can-i patch roles.rbac -n team": {Verb: "patch", Resource: "roles", Group: "rbac", Names: []string{"x", "y"}, Namespace: "team"},
	} {
		if got := a.CanICommand(); got != want {
			t.Errorf("received %q, expected %q", got, want)
		}
	}
}
