package plan

import (
	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// isReversible reports whether the step of a change can be undone by going back
// to the revision before, as far as that can be told beforehand: Helm would
// not stop midway, no definition goes with all its objects, and no object
// store loses a field. Whether a newer server has run by then is seen only
// when the step has failed.
func (in Inputs) isReversible(c Change) bool {
	if c.Revision > 0 || c.Unchanged {
		return false
	}
	rendered := bindingSet{}
	for _, b := range renderedBindings(c.After, c.Namespace) {
		rendered[b.ObjectKey.String()] = b
	}
	back := c
	back.Before, back.After = c.After, c.Before
	if len(rendered.findRoleConflicts(back)) > 0 {
		return false
	}
	for _, o := range images.FilterByKind(c.After, "CustomResourceDefinition") {
		if images.FindObject(c.Before, "CustomResourceDefinition", images.NestedString(o, "metadata", "name")) == nil {
			return false
		}
	}
	return in.preservesFields(c, images.FindObject(c.Before, "CustomResourceDefinition", aistor.CRDObjectStores))
}

// preservesFields reports whether every object store is known in full to a
// definition that comes back, and a store's older object to the one that is
// there.
func (in Inputs) preservesFields(c Change, older images.Object) bool {
	if c.Store != "" {
		older := images.FindObject(c.Before, "ObjectStore", c.Store)
		newer := in.objectStoreCRD()
		return older != nil && newer != nil && len(PrunedFields(newer, older)) == 0
	}
	if older == nil {
		return false
	}
	for _, s := range in.Facts.Stores {
		if s.Object == nil || len(PrunedFields(older, s.Object)) > 0 {
			return false
		}
	}
	return true
}

// objectStoreCRD is the one of ObjectStores when the stores' turn comes, nil where
// nobody has seen it.
func (in Inputs) objectStoreCRD() map[string]any {
	if t := in.operatorTarget(); t != nil && !in.isRollback() {
		if crd := images.FindObject(t.After, "CustomResourceDefinition", aistor.CRDObjectStores); crd != nil {
			return crd
		}
	}
	for _, c := range in.Facts.CRDs {
		if c.Name == aistor.CRDObjectStores {
			return c.Object
		}
	}
	return nil
}
