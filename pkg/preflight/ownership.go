package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// owned is one live object with the release that owns it.
type owned struct {
	exists  bool
	release string
}

// checkOwnership compares what will be rendered with who owns it now: Helm
// refuses to import what belongs to another release, or to none.
func checkOwnership(_ context.Context, s *Subject) Result {
	owners := liveOwners(s.Facts)
	var f findings
	compared := 0
	seen := map[plan.ObjectKey]bool{}
	for _, c := range s.changes() {
		for _, o := range c.After {
			k := bindingKey(plan.KeyOf(o, c.Namespace))
			have, known := owners[k]
			if k.Kind == "Secret" && k.Name == aistor.LicenseSecret && s.Facts.License == nil && !seen[k] {
				seen[k] = true
				f.error(k, "%s: could not be looked at, so whose it is is not known", label(k)).
					wanted("unknown", c.Key(), "kubectl auth can-i get secrets -n "+k.Namespace)
			}
			if !known || seen[k] {
				continue
			}
			seen[k] = true
			compared++
			// A binding that this very plan deletes and makes anew has no
			// owner to be asked.
			if have.exists && !ownedBy(have.release, c.Key()) && !mendedObjects(s.Plan)[k] {
				judgeOwner(&f, c, k, have)
			}
		}
	}
	return f.result("%d rendered objects that exist belong to their release", compared)
}

func judgeOwner(f *findings, c plan.Change, k plan.ObjectKey, have owned) {
	owner := orElse(have.release, "nobody")
	kind := strings.ToLower(k.Kind)
	in := namespaceFlag(k.Namespace)
	remedy := shell.Command("kubectl annotate %s %s", kind, k.Name) + in +
		shell.Command(" --overwrite meta.helm.sh/release-name=%s meta.helm.sh/release-namespace=%s", c.Release, c.Namespace) +
		shell.Command(" && kubectl label %s %s", kind, k.Name) + in + " --overwrite app.kubernetes.io/managed-by=Helm"
	if have.release != "" {
		// Two releases that own one object delete it for each other.
		remedy = shell.Command("helm list -A --all --filter %s", have.release[strings.LastIndexByte(have.release, '/')+1:])
	}
	if k.Kind == "Secret" && k.Name == aistor.LicenseSecret && have.release == "" {
		remedy = "remove the license from " + valuesName(c) + ", or run: " + remedy
	}
	f.fail(k, "%s: exists and belongs to %s, so Helm refuses to import it into release %s", label(k), owner, c.Key()).
		wanted(owner, c.Key(), remedy)
}

// liveOwners is what the facts know of owners.
func liveOwners(f *plan.Facts) map[plan.ObjectKey]owned {
	m := map[plan.ObjectKey]owned{}
	for _, b := range f.Bindings {
		m[bindingKey(b.ObjectKey)] = owned{true, b.Release}
	}
	for _, c := range f.CRDs {
		m[crdKey(c.Name)] = owned{true, c.Release}
	}
	for _, st := range f.Stores {
		m[storeKey(st)] = owned{true, st.Release}
	}
	if l := f.License; l != nil {
		m[secretKey(l.Namespace, aistor.LicenseSecret)] = owned{l.Present, l.Release}
	}
	return m
}

// checkRemovals catches what Helm deletes because only the older manifest has
// it: with a definition go all its objects.
func checkRemovals(_ context.Context, s *Subject) Result {
	var f findings
	for _, c := range s.changes() {
		judgeRemovals(&f, s.Facts, c)
	}
	return f.result("no definition and no object store is deleted")
}

func judgeRemovals(f *findings, facts *plan.Facts, c plan.Change) {
	for _, o := range ofKind(c.Before, "CustomResourceDefinition") {
		name := images.Text(o, "metadata", "name")
		// Helm reads the policy from the manifest it stored, so an annotation
		// put on the live object by hand does not count.
		keep := images.Text(o, "metadata", "annotations", "helm.sh/resource-policy") == "keep"
		if keep || named(c.After, "CustomResourceDefinition", name) != nil {
			continue
		}
		line := fmt.Sprintf("definition %s: the upgrade of %s to %s would delete it with every object of it", name, c.Key(), c.To)
		if name == aistor.CRDObjectStores {
			line += fmt.Sprintf(", the %d object stores", len(facts.Stores))
		}
		f.fail(crdKey(name), "%s", line).
			wanted("not in the new manifest", "kept", "leave the operator that owns it switched on under operators in "+valuesName(c))
	}
	for _, o := range ofKind(c.Before, aistor.KindObjectStore) {
		k := plan.KeyOf(o, c.Namespace)
		if named(c.After, aistor.KindObjectStore, k.Name) == nil {
			f.fail(bindingKey(k), "object store %s/%s: the upgrade of %s to %s would delete it and make another", k.Namespace, k.Name, c.Key(), c.To).
				wanted("not in the new manifest", k.Name, "set objectStore.name: "+k.Name+" in "+valuesName(c))
		}
	}
}

func checkLicenseRemoval(_ context.Context, s *Subject) Result {
	if len(s.Inputs.Operator) == 0 {
		return skip("the operator is left as it is")
	}
	var f findings
	for _, c := range s.Inputs.Operator {
		if named(c.Before, "Secret", aistor.LicenseSecret) == nil || named(c.After, "Secret", aistor.LicenseSecret) != nil {
			continue
		}
		k := secretKey(c.Namespace, aistor.LicenseSecret)
		f.fail(k, "%s: the values hold no license any more, so the upgrade of %s to %s would delete it", label(k), c.Key(), c.To).
			wanted("no license in the values", "license", "helm aistor upgrade --license-file FILE")
		break
	}
	return f.result("the license stays")
}
