package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkFields holds the object stores against the definitions that will be
// there: a field that a definition does not know is dropped by the API server,
// Helm says nothing, and no later upgrade brings it back.
func checkFields(_ context.Context, s *Subject) Result {
	if len(s.Facts.Stores) == 0 && len(s.Inputs.Stores) == 0 {
		return skip("no object stores")
	}
	var f findings
	for _, c := range s.Inputs.Operator {
		if crd := named(c.After, "CustomResourceDefinition", aistor.CRDObjectStores); crd != nil {
			judgeLive(&f, s, crd, c.To.String())
		}
	}
	crd, from := targetDefinition(s)
	if crd == nil && s.Facts.Namespace != "" {
		return unseen("definition %s: outside of namespace %s", aistor.CRDObjectStores, s.Facts.Namespace)
	}
	if crd == nil {
		f.error(crdKey(aistor.CRDObjectStores), "definition %s: neither the cluster nor the target chart shows it", aistor.CRDObjectStores).
			wanted("none", "a schema", "kubectl get crd "+aistor.CRDObjectStores)
		return f.result("")
	}
	for _, c := range s.Inputs.Stores {
		judgeRendered(&f, crd, c, from)
	}
	coming := comingDefinitions(s)
	for _, c := range s.changes() {
		if !c.Stone {
			judgeOthers(&f, coming, c)
		}
	}
	return f.result("every field of the object stores is known to %s", from)
}

// targetDefinition is the definition under which the rendered object stores
// will be applied, and where it comes from.
func targetDefinition(s *Subject) (images.Object, string) {
	if t := s.target(); t != nil {
		if crd := named(t.After, "CustomResourceDefinition", aistor.CRDObjectStores); crd != nil {
			return crd, "chart " + t.To.String()
		}
	}
	for _, c := range s.Facts.CRDs {
		if c.Name == aistor.CRDObjectStores && len(c.Object) > 0 {
			return c.Object, "the installed definition"
		}
	}
	return nil, ""
}

// judgeLive names what live object stores would lose under a definition,
// unless their own upgrade takes the field away anyway. What somebody set by
// hand no upgrade takes away.
func judgeLive(f *findings, s *Subject, crd images.Object, chart string) {
	for _, st := range s.Facts.Stores {
		if len(st.Object) == 0 {
			continue
		}
		lost := plan.LostFields(crd, st.Object)
		if after := storeAfter(s, st); after != nil {
			keeps := plan.LostFields(crd, after)
			lost = slices.DeleteFunc(lost, func(p string) bool { return !slices.Contains(keeps, p) })
		}
		if len(lost) == 0 {
			continue
		}
		f.fail(storeKey(st), "object store %s: chart %s does not know %s, and the value would be lost", st.Key(), chart, strings.Join(lost, ", ")).
			wanted(strings.Join(lost, ", "), "a field of "+chart, "choose another target or stepping stone, or take the field out of the values")
	}
}

func judgeRendered(f *findings, crd images.Object, c plan.Change, from string) {
	for _, o := range ofKind(c.After, aistor.KindObjectStore) {
		k := bindingKey(plan.KeyOf(o, c.Namespace))
		already := false
		for _, one := range f.list {
			already = already || one.object == k
		}
		if lost := plan.LostFields(crd, o); len(lost) > 0 && !already {
			f.warn(k, "object store %s/%s: %s does not know %s of chart %s and would drop it", k.Namespace, k.Name, from, strings.Join(lost, ", "), c.To).
				wanted(strings.Join(lost, ", "), "a field of "+from, "upgrade the operator chart first")
		}
	}
}

// judgeOthers names fields of other rendered custom resources.
func judgeOthers(f *findings, coming definitions, c plan.Change) {
	for _, o := range c.After {
		def := coming.of(o)
		if def.crd == nil || images.Text(o, "kind") == aistor.KindObjectStore {
			continue
		}
		if lost := plan.LostFields(def.crd, o); len(lost) > 0 {
			k := bindingKey(plan.KeyOf(o, c.Namespace))
			f.warn(k, "%s: %s does not know %s of chart %s and would drop it", label(k), def.from, strings.Join(lost, ", "), c.To).
				wanted(strings.Join(lost, ", "), "a field of "+def.from, "correct it in "+valuesName(c))
		}
	}
}

// finalStore is what the plan renders for a live store, nil where it does not
// touch it.
func finalStore(s *Subject, st plan.Store) images.Object {
	for _, c := range slices.Backward(s.Inputs.Stores) {
		if c.Namespace == st.Namespace {
			if o := named(c.After, aistor.KindObjectStore, st.Name); o != nil {
				return o
			}
		}
	}
	return nil
}
