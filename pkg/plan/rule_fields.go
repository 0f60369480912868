package plan

import (
	"encoding/json"
	"slices"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func fieldsRule() Rule {
	return Rule{ID: "crd-fields", Title: "Fields kept", Notices: []string{"fields-dropped", "fields-unknown"}, Needs: []string{"objectstores"}, Evaluate: evaluateFields,
		Inspects:  "live and rendered object stores and all rendered custom resources compared with the CRDs of every chart in the plan",
		FailsWhen: "a field that an object store has is unknown and its value would be lost; a warning for rendered fields that would be dropped"}
}

func evaluateFields(in Inputs, _ *Plan) Verdict {
	if len(in.Facts.Stores) == 0 && len(in.Stores) == 0 {
		return Verdict{Skipped: "no object stores"}
	}
	var v Verdict
	for _, c := range in.Operator {
		if crd := images.FindObject(c.After, "CustomResourceDefinition", aistor.CRDObjectStores); crd != nil && !c.Unchanged {
			in.evaluateStoreFields(&v, crd, c)
		}
	}
	if in.isRollback() {
		evaluateInstalledFields(&v, in)
		v.Passed = "every field of the object stores is known to the CRDs that are rolled back to"
		return v
	}
	crds := in.TargetCRDs()
	target := crds.FindKind(aistor.Group, aistor.KindObjectStore)
	if target.CRD == nil {
		if in.Facts.Namespace != "" && len(v.Findings) == 0 {
			return Verdict{Unobserved: true, Skipped: "CRD " + aistor.CRDObjectStores + ": outside namespace " + in.Facts.Namespace}
		}
		v.add(SeverityUnknown, "", ObjectKey{Kind: "CustomResourceDefinition", Name: aistor.CRDObjectStores}, "CRD %s: neither in the cluster nor in the target chart", aistor.CRDObjectStores).
			setDetails("none", "a schema", "kubectl get crd "+aistor.CRDObjectStores)
		return v
	}
	for _, c := range in.orderedChanges() {
		if !c.Intermediate {
			evaluateRenderedFields(&v, crds, c)
		}
	}
	v.Passed = "every field of the object stores is known to " + target.From
	return v
}

// evaluateStoreFields refuses to bring a CRD that does not know what an object
// store has: the API server drops it, and no later CRD restores it. Before a
// rollback the object stores are rolled back, before an upgrade they are as they
// live.
func (in Inputs) evaluateStoreFields(v *Verdict, crd images.Object, c Change) {
	for _, s := range in.Facts.Stores {
		after := in.storeAfter(s)
		held := s.Object
		if in.isRollback() && after != nil {
			held = after
		}
		if len(held) == 0 {
			if in.isRollback() || in.downgradesOperator() {
				v.add(SeverityRefuseUnknown, "fields-unknown", storeKey(s.Key()), "object store %s: could not be read, so the fields that chart %s would drop are unknown", s.Key(), c.To)
			}
			continue
		}
		lost := PrunedFields(crd, held)
		if after != nil && !in.isRollback() {
			// What the store's own upgrade gives up is not lost.
			keeps := PrunedFields(crd, after)
			lost = slices.DeleteFunc(lost, func(p string) bool { return !slices.Contains(keeps, p) })
		}
		if len(lost) == 0 {
			continue
		}
		v.add(SeverityRefuse, "fields-dropped", storeKey(s.Key()), "object store %s: chart %s does not know %s, and the value would be lost", s.Key(), c.To, strings.Join(lost, ", ")).
			setDetails(strings.Join(lost, ", "), "a field of chart "+c.To.String(), in.lostFieldRemedy(c))
	}
}

func (in Inputs) lostFieldRemedy(c Change) string {
	switch {
	case in.isRollback() || in.downgradesOperator():
		return "keep the operator with --stores-only, or remove the fields from the values first"
	case len(aistor.AllIntermediateVersions()) > 0 && aistor.VersionBefore(c.To.Version, aistor.AllIntermediateVersions()[0]):
		return "use " + aistor.AllIntermediateVersions()[0] + " as an intermediate version"
	}
	return "choose another target or intermediate version, or remove the field from the values"
}

// evaluateRenderedFields warns of rendered fields that the target's CRDs do not know.
func evaluateRenderedFields(v *Verdict, crds CRDList, c Change) {
	for _, o := range c.After {
		def := crds.FindFor(o)
		k := KeyOf(o, c.Namespace).WithoutVersion()
		said := slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Object == k })
		if lost := PrunedFields(def.CRD, o); len(lost) > 0 && !said {
			v.add(SeverityWarn, "fields-dropped", k, "%s: %s does not know %s of chart %s and would drop it", k.Label(), def.From, strings.Join(lost, ", "), c.To).
				setDetails(strings.Join(lost, ", "), "a field of "+def.From, "upgrade the operator chart first, or correct it in "+c.ValuesName())
		}
	}
}

// evaluateInstalledFields refuses to roll an object store back under a CRD that
// has lost its fields: once dropped, Helm sees nothing to restore.
func evaluateInstalledFields(v *Verdict, in Inputs) {
	i := slices.IndexFunc(in.Facts.CRDs, func(c CRD) bool { return c.Name == aistor.CRDObjectStores && c.Object != nil })
	for _, c := range in.Stores {
		if c.Unchanged {
			continue
		}
		k := storeKey(c.StoreKey())
		if i < 0 {
			v.add(SeverityWarn, "fields-unknown", k, "the installed ObjectStore CRD could not be read: unknown whether it has all previous fields of %s", c.StoreKey()).
				setDetails("unknown", "a schema", "kubectl get crd "+aistor.CRDObjectStores)
			continue
		}
		if lost := PrunedFields(in.Facts.CRDs[i].Object, images.FindObject(c.After, aistor.KindObjectStore, c.Store)); len(lost) > 0 {
			v.add(SeverityRefuse, "fields-dropped", k, "the installed CRD does not know %s, which ObjectStore %s had in revision %d: it would be dropped", strings.Join(lost, ", "), c.StoreKey(), c.Revision).
				setDetails(strings.Join(lost, ", "), "fields of the installed CRD", "roll back the operator first with --operator-only, then the store with --stores-only")
		}
	}
}

// RenderedStore is what the last change of a store's release renders for it, or nil.
func (in Inputs) RenderedStore(s Store) images.Object {
	for _, c := range slices.Backward(in.Stores) {
		if c.Namespace == s.Namespace {
			if o := images.FindObject(c.After, aistor.KindObjectStore, s.Name); o != nil {
				return o
			}
		}
	}
	return nil
}

// storeAfter is a store's object after its own change; nil where the plan does not
// touch it.
func (in Inputs) storeAfter(s Store) images.Object {
	for _, c := range slices.Backward(in.Stores) {
		o := images.FindObject(c.After, aistor.KindObjectStore, s.Name)
		if o == nil || c.Namespace != s.Namespace {
			continue
		}
		if c.Revision > 0 || len(s.Object) == 0 {
			return o
		}
		return ApplyHelmPatch(s.Object, images.FindObject(c.Before, aistor.KindObjectStore, s.Name), o)
	}
	return nil
}

// ApplyHelmPatch is a live object after Helm's patch, which for custom resources is
// made of the two manifests alone. Where none can be made it is the rendered object.
func ApplyHelmPatch(live, before, after images.Object) images.Object {
	if before == nil {
		before = after
	}
	docs := make([][]byte, 3)
	for i, o := range []images.Object{live, before, after} {
		docs[i], _ = json.Marshal(o)
	}
	patch, err := jsonpatch.CreateMergePatch(docs[1], docs[2])
	if err != nil {
		return after
	}
	merged, err := jsonpatch.MergePatch(docs[0], patch)
	if err != nil {
		return after
	}
	var out images.Object
	if json.Unmarshal(merged, &out) != nil {
		return after
	}
	return out
}
