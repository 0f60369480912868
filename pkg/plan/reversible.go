package plan

import "github.com/aistor-upgrade/aistor-upgrade/internal/aistor"

// reversible reports whether the step of a change can be undone by going back
// to the revision before, as far as that can be told beforehand: Helm would
// not stop half way, no definition goes with all its objects, and no object
// store loses a field. Whether a newer server has run by then is seen only
// when the step has failed.
func (in Inputs) reversible(c Change) bool {
	if c.Revision > 0 || c.Unchanged {
		return false
	}
	rendered := roles{}
	for _, b := range renderedBindings(c.After, c.Namespace) {
		rendered[b.ObjectKey.String()] = b
	}
	back := c
	back.Before, back.After = c.After, c.Before
	if len(rendered.conflicts(back)) > 0 {
		return false
	}
	before := names(c.Before, "CustomResourceDefinition")
	for name := range names(c.After, "CustomResourceDefinition") {
		if before[name] == nil {
			return false
		}
	}
	return in.keepsFields(c, before[aistor.CRDObjectStores])
}

// keepsFields reports whether every object store is known in full to a
// definition that comes back, and a store's older object to the one that is
// there.
func (in Inputs) keepsFields(c Change, older map[string]any) bool {
	if c.Store != "" {
		older := find(c.Before, "ObjectStore", c.Store)
		newer := in.definition()
		return older != nil && newer != nil && len(LostFields(newer, older)) == 0
	}
	if older == nil {
		return false
	}
	for _, s := range in.Facts.Stores {
		if s.Object == nil || len(LostFields(older, s.Object)) > 0 {
			return false
		}
	}
	return true
}

// definition is the one of ObjectStores when the stores' turn comes, nil where
// nobody has seen it.
func (in Inputs) definition() map[string]any {
	if t := in.target(); t != nil && !in.goesBack() {
		if crd := find(t.After, "CustomResourceDefinition", aistor.CRDObjectStores); crd != nil {
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
