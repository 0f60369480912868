package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// bindingSet are the bindings that exist at one moment, by object.
type bindingSet map[string]Binding

func liveBindings(f *Facts) bindingSet {
	r := bindingSet{}
	for _, b := range f.Bindings {
		r[b.ObjectKey.String()] = b
	}
	return r
}

// findRoleConflicts are the bindings whose role c would have to change, which the API
// server forbids. Helm meets that in the middle of an upgrade, with the new
// Deployments already running under an account without rights.
func (r bindingSet) findRoleConflicts(c Change) []Binding {
	var list []Binding
	for _, want := range renderedBindings(c.After, c.Namespace) {
		have, ok := r[want.ObjectKey.String()]
		if ok && (have.RoleKind != want.RoleKind || have.RoleName != want.RoleName) {
			list = append(list, have)
		}
	}
	slices.SortFunc(list, func(a, b Binding) int { return strings.Compare(a.ObjectKey.String(), b.ObjectKey.String()) })
	return list
}

// applyChange is what exists once c is done: Helm removes what only the older
// manifest has and creates what only the newer has.
func (r bindingSet) applyChange(c Change) bindingSet {
	next := bindingSet{}
	for k, b := range r {
		next[k] = b
	}
	for _, b := range renderedBindings(c.Before, c.Namespace) {
		delete(next, b.ObjectKey.String())
	}
	for _, b := range renderedBindings(c.After, c.Namespace) {
		next[b.ObjectKey.String()] = b
	}
	return next
}

func renderedBindings(objects []images.Object, namespace string) []Binding {
	var list []Binding
	for _, o := range objects {
		kind := images.NestedString(o, "kind")
		if kind != "ClusterRoleBinding" && kind != "RoleBinding" {
			continue
		}
		list = append(list, Binding{
			ObjectKey: KeyOf(o, namespace),
			RoleKind:  images.NestedString(o, "roleRef", "kind"), RoleName: images.NestedString(o, "roleRef", "name"),
		})
	}
	return list
}

// MissingBindings are the bindings of the operator's deployed revision that do
// not exist, without API version; none where bindings could not be listed.
func (f *Facts) MissingBindings() []ObjectKey {
	listed := !slices.ContainsFunc(f.Gaps, func(g Gap) bool {
		return strings.HasPrefix(g.Subject, "clusterrolebindings") || strings.HasPrefix(g.Subject, "rolebindings")
	})
	if f.Operator == nil || !listed {
		return nil
	}
	there := map[string]bool{}
	for _, b := range f.Bindings {
		there[b.ObjectKey.String()] = true
	}
	var missing []ObjectKey
	manifest := cmp.Or(f.Operator.DeployedManifest, f.Operator.Manifest)
	for _, b := range renderedBindings(images.ParseObjects(manifest), f.Operator.Namespace) {
		if key := (ObjectKey{Kind: b.Kind, Namespace: b.Namespace, Name: b.Name}); !there[b.ObjectKey.String()] {
			missing = append(missing, key)
		}
	}
	return missing
}

// RecreatedBindings are the bindings, without API version, that a step of the plan
// deletes for the next step to create; none for a nil plan.
func (p *Plan) RecreatedBindings() map[ObjectKey]bool {
	m := map[ObjectKey]bool{}
	if p == nil {
		return m
	}
	for _, s := range p.Steps {
		if s.Action != ActionRecreateBindings {
			continue
		}
		for _, k := range s.Objects {
			m[k.WithoutVersion()] = true
		}
	}
	return m
}
