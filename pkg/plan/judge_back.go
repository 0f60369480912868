package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// word says what a change is, in a sentence.
func (c Change) word() string {
	if c.Revision > 0 {
		return "rollback"
	}
	return "upgrade"
}

// judgeBack says what forbids going back. Helm itself asks none of this: it
// brings older definitions under which the API server drops what newer object
// stores hold, and older servers on disks that newer ones have written.
func judgeBack(n *notices, in Inputs, p *Plan) {
	judgeRisk(n, in, p)
	judgeOlderDefinition(n, in)
	judgeStoresUnderLive(n, in)
	judgeStoresLeft(n, in)
	if t := in.target(); t != nil && !t.Unchanged {
		was, comes := find(t.Before, "Secret", aistor.LicenseSecret), find(t.After, "Secret", aistor.LicenseSecret)
		if was != nil && comes != nil && licenseOf(was) != licenseOf(comes) {
			n.warn("license-returns", "kubectl aistor-upgrade validate shows when it expires",
				"the license of revision %d comes back in place of the present one", t.Revision)
		}
	}
}

// licenseOf is the license in a rendered Secret, never to be shown.
func licenseOf(secret images.Object) string {
	return cmp.Or(images.Text(secret, "data", aistor.LicenseSecretKey), images.Text(secret, "stringData", aistor.LicenseSecretKey))
}

// judgeRisk asks for each object store that would go back, by its own chart or
// by the operator's defaults.
func judgeRisk(n *notices, in Inputs, p *Plan) {
	why := map[string]string{}
	var order []string
	add := func(store, reason string) {
		if why[store] == "" {
			order = append(order, store)
			why[store] = reason
		}
	}
	for _, c := range in.Stores {
		if !c.Unchanged {
			add(c.StoreKey(), "its chart goes back from "+c.From.Version+" to "+c.To.Version)
		}
	}
	for _, s := range p.Steps {
		for _, r := range s.Restarts {
			add(r.Store, r.Why)
		}
	}
	for _, store := range order {
		if !slices.Contains(in.Options.AcceptRisk, store) {
			n.refuse("accept-risk", "--accept-risk "+store,
				"the vendor does not promise that object store %s works after going back (%s)", store, why[store])
		}
	}
}

// judgeOlderDefinition refuses to bring a definition that does not know what
// the object stores will hold by then.
func judgeOlderDefinition(n *notices, in Inputs) {
	t := in.target()
	if t == nil || t.Unchanged {
		return
	}
	crd := find(t.After, "CustomResourceDefinition", aistor.CRDObjectStores)
	if crd == nil {
		return // crd-removed says what becomes of it
	}
	for _, s := range in.Facts.Stores {
		o := in.storeAfter(s)
		switch lost := LostFields(crd, o); {
		case o == nil:
			n.refuse("fields-unknown", "", "ObjectStore %s could not be looked at: what operator %s would drop from it is not known", s.Key(), t.To.Version)
		case len(lost) > 0:
			n.refuse("fields-dropped", "keep the operator: --stores-only; or take the fields out of the values first",
				"operator %s does not know %s of ObjectStore %s and would drop it for good", t.To.Version, strings.Join(lost, ", "), s.Key())
		}
	}
}

// storeAfter is a store's object once its own change is done; nil where nobody
// has seen it.
func (in Inputs) storeAfter(s Store) images.Object {
	for _, c := range in.Stores {
		if c.StoreKey() == s.Key() {
			return find(c.After, "ObjectStore", c.Store)
		}
	}
	return s.Object
}

// judgeStoresUnderLive refuses to apply an older ObjectStore under a definition
// that has lost its fields: once dropped, Helm sees nothing to bring back.
func judgeStoresUnderLive(n *notices, in Inputs) {
	i := slices.IndexFunc(in.Facts.CRDs, func(c CRD) bool { return c.Name == aistor.CRDObjectStores && c.Object != nil })
	for _, c := range in.Stores {
		if c.Unchanged {
			continue
		}
		if i < 0 {
			n.warn("fields-unknown", "kubectl get crd "+aistor.CRDObjectStores,
				"the installed definition of ObjectStores could not be read: whether it knows every field of %s before is not known", c.StoreKey())
			continue
		}
		if lost := LostFields(in.Facts.CRDs[i].Object, find(c.After, "ObjectStore", c.Store)); len(lost) > 0 {
			n.refuse("fields-dropped", "take the operator back first, with --operator-only, and then the store, with --stores-only",
				"the installed definition does not know %s, which ObjectStore %s had in revision %d: it would be dropped", strings.Join(lost, ", "), c.StoreKey(), c.Revision)
		}
	}
}

// downgradesOperator reports whether an upgrade leads to an operator chart that
// is older than the installed one, as --allow-downgrade accepts: what forbids a
// rollback of the operator forbids that too.
func (in Inputs) downgradesOperator() bool {
	t := in.target()
	if t == nil || in.goesBack() {
		return false
	}
	installed := in.Operator[0].From.Version
	if in.Facts.Operator != nil {
		installed = in.Facts.Operator.Version
	}
	return aistor.Before(t.To.Version, installed)
}

// judgeStoresLeft refuses an operator that is too old for the charts of the
// object stores, those that stay as they are included.
func judgeStoresLeft(n *notices, in Inputs) {
	t := in.target()
	if t == nil {
		return
	}
	have, err := semver.NewVersion(t.To.Version)
	if err != nil {
		return
	}
	for _, s := range in.Facts.Stores {
		version, values := in.chartAfter(s)
		for _, need := range aistor.OperatorNeeds(version) {
			if need.Path == "" && in.selected(s.Key()) && !in.goesBack() {
				continue // judgeStoreCharts says so
			}
			if need.Path != "" && SaysNothing(images.At(values, strings.Split(need.Path, ".")...)) {
				continue
			}
			if !aistor.Before(have.Original(), need.Operator) && !slices.Contains(need.Except, have.Original()) {
				continue
			}
			what := "object store chart " + version
			if need.Path != "" {
				what += " with " + need.Path
			}
			n.refuse("operator-too-old", fmt.Sprintf("take object store %s back too, or keep the operator: --stores-only", s.Key()),
				"%s of %s needs operator %s, %s would run", what, s.Key(), need.Operator, have)
			break
		}
	}
}

// chartAfter is the chart's version and the user's values of a store's release
// once the plan is done; empty where no release owns it.
func (in Inputs) chartAfter(s Store) (version string, values map[string]any) {
	for _, c := range in.Stores {
		if c.StoreKey() == s.Key() {
			return c.To.Version, c.Values
		}
	}
	if r := in.Facts.release(s.Namespace + "/" + s.Release); r != nil {
		return r.Version, r.Values
	}
	return "", nil
}
