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
		return skipResult("no object stores")
	}
	var f findings
	for _, c := range s.Inputs.Operator {
		if crd := findObject(c.After, "CustomResourceDefinition", aistor.CRDObjectStores); crd != nil {
			evaluateLiveStores(&f, s, crd, c.To.String())
		}
	}
	crd, from := targetCRD(s)
	if crd == nil && s.Facts.Namespace != "" {
		return unobservedResult("CRD %s: outside namespace %s", aistor.CRDObjectStores, s.Facts.Namespace)
	}
	if crd == nil {
		f.addError(crdKey(aistor.CRDObjectStores), "CRD %s: neither in the cluster nor in the target chart", aistor.CRDObjectStores).
			setDetails("none", "a schema", "kubectl get crd "+aistor.CRDObjectStores)
		return f.buildResult("")
	}
	for _, c := range s.Inputs.Stores {
		evaluateRenderedStores(&f, crd, c, from)
	}
	coming := targetCRDs(s)
	for _, c := range s.orderedChanges() {
		if !c.Intermediate {
			evaluateOtherResources(&f, coming, c)
		}
	}
	return f.buildResult("every field of the object stores is known to %s", from)
}

// targetCRD is the definition under which the rendered object stores
// will be applied, and where it comes from.
func targetCRD(s *Subject) (images.Object, string) {
	if t := s.operatorTarget(); t != nil {
		if crd := findObject(t.After, "CustomResourceDefinition", aistor.CRDObjectStores); crd != nil {
			return crd, "chart " + t.To.String()
		}
	}
	for _, c := range s.Facts.CRDs {
		if c.Name == aistor.CRDObjectStores && len(c.Object) > 0 {
			return c.Object, "the installed CRD"
		}
	}
	return nil, ""
}

// evaluateLiveStores names what live object stores would lose under a definition,
// unless their own upgrade takes the field away anyway. What somebody set by
// hand no upgrade takes away.
func evaluateLiveStores(f *findings, s *Subject, crd images.Object, chart string) {
	for _, st := range s.Facts.Stores {
		if len(st.Object) == 0 {
			continue
		}
		lost := plan.PrunedFields(crd, st.Object)
		if after := storeAfter(s, st); after != nil {
			keeps := plan.PrunedFields(crd, after)
			lost = slices.DeleteFunc(lost, func(p string) bool { return !slices.Contains(keeps, p) })
		}
		if len(lost) == 0 {
			continue
		}
		f.addFailure(storeKey(st), "object store %s: chart %s does not know %s, and the value would be lost", st.Key(), chart, strings.Join(lost, ", ")).
			setDetails(strings.Join(lost, ", "), "a field of "+chart, "choose another target or intermediate version, or remove the field from the values")
	}
}

func evaluateRenderedStores(f *findings, crd images.Object, c plan.Change, from string) {
	for _, o := range filterByKind(c.After, aistor.KindObjectStore) {
		k := bindingKey(plan.KeyOf(o, c.Namespace))
		already := false
		for _, one := range f.list {
			already = already || one.object == k
		}
		if lost := plan.PrunedFields(crd, o); len(lost) > 0 && !already {
			f.addWarning(k, "object store %s/%s: %s does not know %s of chart %s and would drop it", k.Namespace, k.Name, from, strings.Join(lost, ", "), c.To).
				setDetails(strings.Join(lost, ", "), "a field of "+from, "upgrade the operator chart first")
		}
	}
}

// evaluateOtherResources names fields of other rendered custom resources.
func evaluateOtherResources(f *findings, coming crdList, c plan.Change) {
	for _, o := range c.After {
		def := coming.findFor(o)
		if def.crd == nil || images.NestedString(o, "kind") == aistor.KindObjectStore {
			continue
		}
		if lost := plan.PrunedFields(def.crd, o); len(lost) > 0 {
			k := bindingKey(plan.KeyOf(o, c.Namespace))
			f.addWarning(k, "%s: %s does not know %s of chart %s and would drop it", objectLabel(k), def.from, strings.Join(lost, ", "), c.To).
				setDetails(strings.Join(lost, ", "), "a field of "+def.from, "correct it in "+valuesName(c))
		}
	}
}

// renderedStore is what the plan renders for a live store, nil where it does not
// touch it.
func renderedStore(s *Subject, st plan.Store) images.Object {
	for _, c := range slices.Backward(s.Inputs.Stores) {
		if c.Namespace == st.Namespace {
			if o := findObject(c.After, aistor.KindObjectStore, st.Name); o != nil {
				return o
			}
		}
	}
	return nil
}
