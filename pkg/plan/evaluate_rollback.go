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

// operationName says what a change is, in a sentence.
func (c Change) operationName() string {
	if c.Revision > 0 {
		return "rollback"
	}
	return "upgrade"
}

// evaluateRollback says what forbids going back. Helm itself asks none of this: it
// brings older definitions under which the API server drops what newer object
// stores hold, and older servers on disks that newer ones have written.
func evaluateRollback(n *noticeList, in Inputs, p *Plan) {
	evaluateRollbackRisk(n, in, p)
	evaluateOlderCRD(n, in)
	evaluateInstalledCRD(n, in)
	evaluateRollbackOperatorVersion(n, in)
	if t := in.operatorTarget(); t != nil && !t.Unchanged {
		was, comes := findObject(t.Before, "Secret", aistor.LicenseSecret), findObject(t.After, "Secret", aistor.LicenseSecret)
		if was != nil && comes != nil && licenseOf(was) != licenseOf(comes) {
			n.addWarning("license-returns", "check its expiry with: kubectl aistor-upgrade validate",
				"the license of revision %d replaces the current one", t.Revision)
		}
	}
}

// licenseOf is the license in a rendered Secret, never to be shown.
func licenseOf(secret images.Object) string {
	return cmp.Or(images.NestedString(secret, "data", aistor.LicenseSecretKey), images.NestedString(secret, "stringData", aistor.LicenseSecretKey))
}

// evaluateRollbackRisk asks for each object store that would go back, by its own chart or
// by the operator's defaults.
func evaluateRollbackRisk(n *noticeList, in Inputs, p *Plan) {
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
			add(c.StoreKey(), "its chart is rolled back from "+c.From.Version+" to "+c.To.Version)
		}
	}
	for _, s := range p.Steps {
		for _, r := range s.Restarts {
			add(r.Store, r.Why)
		}
	}
	for _, store := range order {
		if !slices.Contains(in.Options.AcceptRisk, store) {
			n.addRefusal("accept-risk", "--accept-risk "+store,
				"the vendor does not support rolling back object store %s (%s)", store, why[store])
		}
	}
}

// evaluateOlderCRD refuses to bring a definition that does not know what
// the object stores will hold by then.
func evaluateOlderCRD(n *noticeList, in Inputs) {
	t := in.operatorTarget()
	if t == nil || t.Unchanged {
		return
	}
	crd := findObject(t.After, "CustomResourceDefinition", aistor.CRDObjectStores)
	if crd == nil {
		return // crd-removed says what becomes of it
	}
	for _, s := range in.Facts.Stores {
		o := in.storeAfter(s)
		switch lost := PrunedFields(crd, o); {
		case o == nil:
			n.addRefusal("fields-unknown", "", "ObjectStore %s could not be read: fields that operator %s would drop are unknown", s.Key(), t.To.Version)
		case len(lost) > 0:
			n.addRefusal("fields-dropped", "keep the operator with --stores-only, or remove the fields from the values first",
				"operator %s does not know %s of ObjectStore %s and would drop it permanently", t.To.Version, strings.Join(lost, ", "), s.Key())
		}
	}
}

// storeAfter is a store's object once its own change is done; nil where nobody
// has seen it.
func (in Inputs) storeAfter(s Store) images.Object {
	for _, c := range in.Stores {
		if c.StoreKey() == s.Key() {
			return findObject(c.After, "ObjectStore", c.Store)
		}
	}
	return s.Object
}

// evaluateInstalledCRD refuses to apply an older ObjectStore under a definition
// that has lost its fields: once dropped, Helm sees nothing to bring back.
func evaluateInstalledCRD(n *noticeList, in Inputs) {
	i := slices.IndexFunc(in.Facts.CRDs, func(c CRD) bool { return c.Name == aistor.CRDObjectStores && c.Object != nil })
	for _, c := range in.Stores {
		if c.Unchanged {
			continue
		}
		if i < 0 {
			n.addWarning("fields-unknown", "kubectl get crd "+aistor.CRDObjectStores,
				"the installed ObjectStore CRD could not be read: unknown whether it has all previous fields of %s", c.StoreKey())
			continue
		}
		if lost := PrunedFields(in.Facts.CRDs[i].Object, findObject(c.After, "ObjectStore", c.Store)); len(lost) > 0 {
			n.addRefusal("fields-dropped", "roll back the operator first with --operator-only, then the store with --stores-only",
				"the installed CRD does not know %s, which ObjectStore %s had in revision %d: it would be dropped", strings.Join(lost, ", "), c.StoreKey(), c.Revision)
		}
	}
}

// downgradesOperator reports whether an upgrade leads to an operator chart that
// is older than the installed one, as --allow-downgrade accepts: what forbids a
// rollback of the operator forbids that too.
func (in Inputs) downgradesOperator() bool {
	t := in.operatorTarget()
	if t == nil || in.isRollback() {
		return false
	}
	installed := in.Operator[0].From.Version
	if in.Facts.Operator != nil {
		installed = in.Facts.Operator.Version
	}
	return aistor.VersionBefore(t.To.Version, installed)
}

// evaluateRollbackOperatorVersion refuses an operator that is too old for the charts of the
// object stores, those that stay as they are included.
func evaluateRollbackOperatorVersion(n *noticeList, in Inputs) {
	t := in.operatorTarget()
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
			if need.Path == "" && in.selectsStore(s.Key()) && !in.isRollback() {
				continue // judgeStoreCharts says so
			}
			if need.Path != "" && IsEmptyValue(images.NestedValue(values, strings.Split(need.Path, ".")...)) {
				continue
			}
			if !aistor.VersionBefore(have.Original(), need.Operator) && !slices.Contains(need.Except, have.Original()) {
				continue
			}
			what := "object store chart " + version
			if need.Path != "" {
				what += " with " + need.Path
			}
			n.addRefusal("operator-too-old", fmt.Sprintf("also roll back object store %s, or keep the operator with --stores-only", s.Key()),
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
	if r := in.Facts.findRelease(s.Namespace + "/" + s.Release); r != nil {
		return r.Version, r.Values
	}
	return "", nil
}
