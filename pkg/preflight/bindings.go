package preflight

import (
	"context"
	"maps"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// roleRef is what a binding points at; the API server never lets it change.
type roleRef struct{ kind, name string }

func (r roleRef) String() string { return r.kind + "/" + r.name }

// checkRoleRefs goes through the operator's changes in their order, since a
// intermediate version may remove a binding that the target could not change. Helm's
// own dry run does not see the refusal.
func checkRoleRefs(_ context.Context, s *Subject) Result {
	live := map[plan.ObjectKey]roleRef{}
	for _, b := range s.Facts.Bindings {
		live[b.ObjectKey.WithoutVersion()] = roleRef{b.RoleKind, b.RoleName}
	}
	mended := s.Plan.RecreatedBindings()
	var f findings
	for _, c := range s.orderedChanges() {
		after := renderedRoleRefs(c.After, c.Namespace)
		for _, k := range sortedObjectKeys(after) {
			evaluateRoleRef(&f, c, k, live, after, mended)
		}
		for k := range renderedRoleRefs(c.Before, c.Namespace) {
			delete(live, k)
		}
		maps.Copy(live, after)
	}
	noteIntermediates(&f, s)
	return f.buildResult("no binding changes its role in place")
}

func evaluateRoleRef(f *findings, c plan.Change, k plan.ObjectKey, live, after map[plan.ObjectKey]roleRef, mended map[plan.ObjectKey]bool) {
	have, exists := live[k]
	if !exists || have == after[k] {
		return
	}
	if mended[k] {
		f.addNote("%s: role changes from %s to %s; the plan deletes the binding first", k.Label(), have, after[k])
		return
	}
	remedy := "kubectl delete " + describeCommand(k)[len("kubectl describe "):]
	f.addFailure(k, "%s: chart %s changes its role from %s to %s, which the API server forbids", k.Label(), c.To, have, after[k]).
		setDetails(have.String(), after[k].String(), remedy)
}

func noteIntermediates(f *findings, s *Subject) {
	for _, c := range s.Inputs.Operator {
		if c.Intermediate {
			f.addNote("release %s uses intermediate version %s", c.Key(), c.To)
		}
	}
}

func renderedRoleRefs(objects []images.Object, namespace string) map[plan.ObjectKey]roleRef {
	m := map[plan.ObjectKey]roleRef{}
	for _, kind := range []string{"ClusterRoleBinding", "RoleBinding"} {
		for _, o := range images.FilterByKind(objects, kind) {
			m[plan.KeyOf(o, namespace).WithoutVersion()] = roleRef{images.NestedString(o, "roleRef", "kind"), images.NestedString(o, "roleRef", "name")}
		}
	}
	return m
}

func sortedObjectKeys[V any](m map[plan.ObjectKey]V) []plan.ObjectKey {
	return slices.SortedFunc(maps.Keys(m), func(a, b plan.ObjectKey) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
}
