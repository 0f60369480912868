package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func removalRule() Rule {
	return Rule{ID: "crd-removal", Title: "Nothing deleted", Notices: []string{"crd-removed", "store-recreated"}, Evaluate: evaluateRemovals,
		Inspects:  "the CRDs and object stores of the installed manifest compared with the target's",
		FailsWhen: "an object is missing from the target, so Helm deletes it with its dependents"}
}

// evaluateRemovals refuses what takes users' data away: Helm deletes what only the
// older manifest has, and with a CRD go all its objects.
func evaluateRemovals(in Inputs, _ *Plan) Verdict {
	v := Verdict{Passed: "no CRD and no object store is deleted"}
	for _, c := range in.orderedChanges() {
		for _, o := range images.FilterByKind(c.Before, "CustomResourceDefinition") {
			name := images.NestedString(o, "metadata", "name")
			// Helm reads the policy from the manifest it stored, so an annotation
			// put on the live object manually does not count.
			keep := images.NestedString(o, "metadata", "annotations", "helm.sh/resource-policy") == "keep"
			if keep || images.FindObject(c.After, "CustomResourceDefinition", name) != nil {
				continue
			}
			line := fmt.Sprintf("CRD %s: the %s of %s to %s would delete it with all its objects", name, c.operationName(), c.Key(), c.To)
			if name == aistor.CRDObjectStores {
				line += fmt.Sprintf(", the %d object stores", len(in.Facts.Stores))
			}
			v.add(SeverityRefuse, "crd-removed", ObjectKey{Kind: "CustomResourceDefinition", Name: name}, "%s", line).
				setDetails("not in the new manifest", "kept", "keep the operator that owns it enabled under operators in "+c.ValuesName())
		}
		evaluateStoreRemovals(&v, c)
	}
	return v
}

func evaluateStoreRemovals(v *Verdict, c Change) {
	var names []string
	if c.Store != "" {
		names = append(names, c.Store)
	}
	for _, o := range images.FilterByKind(c.Before, aistor.KindObjectStore) {
		if name := images.NestedString(o, "metadata", "name"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if images.FindObject(c.After, aistor.KindObjectStore, name) == nil {
			key := c.Namespace + "/" + name
			v.add(SeverityRefuse, "store-recreated", storeKey(key), "object store %s: the %s of %s to %s would delete and recreate it", key, c.operationName(), c.Key(), c.To).
				setDetails("not in the new manifest", name, "set objectStore.name: "+name+" in "+c.ValuesName())
		}
	}
}

func licenseRemovalRule() Rule {
	return Rule{ID: "license-removal", Title: "License kept", Notices: []string{"license-removed"}, Evaluate: evaluateLicenseRemoval,
		Inspects:  "the license Secret of the installed manifest and of the cluster compared with the target's",
		FailsWhen: "the target's values contain no license, so Helm deletes the Secret"}
}

func evaluateLicenseRemoval(in Inputs, _ *Plan) Verdict {
	if len(in.Operator) == 0 {
		return Verdict{Skipped: "the operator is not changed"}
	}
	v := Verdict{Passed: "the license is kept"}
	remedy := "helm aistor upgrade --license-file FILE, or keep the license in the values"
	if in.Operator[0].Revision > 0 {
		remedy = "upgrade to the older chart instead, with the license in the values:\n" +
			"  helm aistor upgrade --bundle BUNDLE --allow-downgrade --license-file FILE"
	}
	live := in.Facts.License
	had := live != nil && live.Present && live.Release == in.Operator[0].Key()
	for _, c := range in.Operator {
		had = had || images.FindObject(c.Before, "Secret", aistor.LicenseSecret) != nil
		if !had || images.FindObject(c.After, "Secret", aistor.LicenseSecret) != nil {
			continue
		}
		k := ObjectKey{Kind: "Secret", Namespace: c.Namespace, Name: aistor.LicenseSecret}
		v.add(SeverityRefuse, "license-removed", k, "%s: the values contain no license, so the %s of %s to %s would delete it", k.Label(), c.operationName(), c.Key(), c.To).
			setDetails("no license in the values", "license", remedy)
		break
	}
	return v
}

func licenseReturnsRule() Rule {
	return Rule{ID: "license-returns", Notices: []string{"license-returns"}, Evaluate: func(in Inputs, _ *Plan) Verdict {
		var v Verdict
		t := in.operatorTarget()
		if t == nil || t.Unchanged || !in.isRollback() {
			return v
		}
		was, comes := images.FindObject(t.Before, "Secret", aistor.LicenseSecret), images.FindObject(t.After, "Secret", aistor.LicenseSecret)
		if was != nil && comes != nil && licenseOf(was) != licenseOf(comes) {
			v.add(SeverityWarn, "license-returns", ObjectKey{}, "the license of revision %d replaces the current one", t.Revision).
				setDetails("", "", "check its expiry with: kubectl aistor-upgrade validate")
		}
		return v
	}}
}

// licenseOf is the license in a rendered Secret, never to be shown.
func licenseOf(secret images.Object) string {
	return cmp.Or(images.NestedString(secret, "data", aistor.LicenseSecretKey), images.NestedString(secret, "stringData", aistor.LicenseSecretKey))
}

func ownershipRule() Rule {
	return Rule{ID: "ownership", Title: "Ownership", Notices: []string{"ownership"},
		Needs: []string{"clusterrolebindings", "rolebindings", "customresourcedefinitions", "objectstores"}, Evaluate: evaluateOwnership,
		Inspects:  "the owners of bindings, CRDs, object stores and license that the target renders",
		FailsWhen: "an object exists and belongs to another release or to none, so Helm refuses to adopt it"}
}

// objectOwner is whether an object exists, and the release that owns it.
type objectOwner struct {
	exists  bool
	release string
}

// ownedBy reports whether the release namespace/name is the owner. Some owners are
// known without their namespace.
func (o objectOwner) ownedBy(release string) bool {
	_, name, _ := strings.Cut(release, "/")
	return o.release == release || o.release == name
}

// evaluateOwnership compares what will be rendered with who owns it now: Helm
// refuses to import what belongs to another release, or to none.
func evaluateOwnership(in Inputs, p *Plan) Verdict {
	owners, recreated := in.Facts.owners(), p.RecreatedBindings()
	var v Verdict
	compared := 0
	seen := map[ObjectKey]bool{}
	for _, c := range in.orderedChanges() {
		for _, o := range c.After {
			k := KeyOf(o, c.Namespace).WithoutVersion()
			have, known := owners[k]
			if k.Kind == "Secret" && k.Name == aistor.LicenseSecret && in.Facts.License == nil && !seen[k] {
				seen[k] = true
				v.add(SeverityUnknown, "", k, "%s: could not be read, owner unknown", k.Label()).
					setDetails("unknown", c.Key(), "kubectl auth can-i get secrets -n "+k.Namespace)
			}
			if !known || seen[k] {
				continue
			}
			seen[k] = true
			compared++
			// A binding that this very plan deletes and makes again has no
			// owner to be asked.
			if have.exists && !have.ownedBy(c.Key()) && !recreated[k] {
				v.addForeignOwner(c, k, have)
			}
		}
	}
	v.Passed = fmt.Sprintf("%d rendered objects that exist belong to their release", compared)
	return v
}

func (v *Verdict) addForeignOwner(c Change, k ObjectKey, have objectOwner) {
	owner := cmp.Or(have.release, "nobody")
	kind := strings.ToLower(k.Kind)
	in := ""
	if k.Namespace != "" {
		in = " -n " + shellquote.Word(k.Namespace)
	}
	remedy := shellquote.Command("kubectl annotate %s %s", kind, k.Name) + in +
		shellquote.Command(" --overwrite meta.helm.sh/release-name=%s meta.helm.sh/release-namespace=%s", c.Release, c.Namespace) +
		shellquote.Command(" && kubectl label %s %s", kind, k.Name) + in + " --overwrite app.kubernetes.io/managed-by=Helm"
	if have.release != "" {
		// Two releases that own one object delete it for each other.
		remedy = shellquote.Command("helm list -A --all --filter %s", have.release[strings.LastIndexByte(have.release, '/')+1:])
	}
	if k.Kind == "Secret" && k.Name == aistor.LicenseSecret && have.release == "" {
		remedy = "remove the license from " + c.ValuesName() + ", or run: " + remedy
	}
	v.add(SeverityRefuse, "ownership", k, "%s: exists and belongs to %s, so Helm refuses to adopt it into release %s", k.Label(), owner, c.Key()).
		setDetails(owner, c.Key(), remedy)
}

// owners is what the facts know of owners, without API versions.
func (f *Facts) owners() map[ObjectKey]objectOwner {
	m := map[ObjectKey]objectOwner{}
	for _, b := range f.Bindings {
		m[b.ObjectKey.WithoutVersion()] = objectOwner{true, b.Release}
	}
	for _, c := range f.CRDs {
		m[ObjectKey{Kind: "CustomResourceDefinition", Name: c.Name}] = objectOwner{true, c.Release}
	}
	for _, s := range f.Stores {
		m[storeKey(s.Key())] = objectOwner{true, cmp.Or(s.Release, s.AnnotatedRelease)}
	}
	if l := f.License; l != nil {
		m[ObjectKey{Kind: "Secret", Namespace: l.Namespace, Name: aistor.LicenseSecret}] = objectOwner{l.Present, l.Release}
	}
	return m
}
