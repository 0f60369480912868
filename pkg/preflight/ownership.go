package preflight

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ownerInfo is one live object with the release that owns it.
type ownerInfo struct {
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
	for _, c := range s.orderedChanges() {
		for _, o := range c.After {
			k := bindingKey(plan.KeyOf(o, c.Namespace))
			have, known := owners[k]
			if k.Kind == "Secret" && k.Name == aistor.LicenseSecret && s.Facts.License == nil && !seen[k] {
				seen[k] = true
				f.addError(k, "%s: could not be read, owner unknown", objectLabel(k)).
					setDetails("unknown", c.Key(), "kubectl auth can-i get secrets -n "+k.Namespace)
			}
			if !known || seen[k] {
				continue
			}
			seen[k] = true
			compared++
			// A binding that this very plan deletes and makes again has no
			// owner to be asked.
			if have.exists && !ownedBy(have.release, c.Key()) && !recreatedBindings(s.Plan)[k] {
				evaluateOwner(&f, c, k, have)
			}
		}
	}
	return f.buildResult("%d rendered objects that exist belong to their release", compared)
}

func evaluateOwner(f *findings, c plan.Change, k plan.ObjectKey, have ownerInfo) {
	owner := cmp.Or(strings.TrimSpace(have.release), "nobody")
	kind := strings.ToLower(k.Kind)
	in := namespaceFlag(k.Namespace)
	remedy := shellquote.Command("kubectl annotate %s %s", kind, k.Name) + in +
		shellquote.Command(" --overwrite meta.helm.sh/release-name=%s meta.helm.sh/release-namespace=%s", c.Release, c.Namespace) +
		shellquote.Command(" && kubectl label %s %s", kind, k.Name) + in + " --overwrite app.kubernetes.io/managed-by=Helm"
	if have.release != "" {
		// Two releases that own one object delete it for each other.
		remedy = shellquote.Command("helm list -A --all --filter %s", have.release[strings.LastIndexByte(have.release, '/')+1:])
	}
	if k.Kind == "Secret" && k.Name == aistor.LicenseSecret && have.release == "" {
		remedy = "remove the license from " + valuesName(c) + ", or run: " + remedy
	}
	f.addFailure(k, "%s: exists and belongs to %s, so Helm refuses to adopt it into release %s", objectLabel(k), owner, c.Key()).
		setDetails(owner, c.Key(), remedy)
}

// liveOwners is what the facts know of owners.
func liveOwners(f *plan.Facts) map[plan.ObjectKey]ownerInfo {
	m := map[plan.ObjectKey]ownerInfo{}
	for _, b := range f.Bindings {
		m[bindingKey(b.ObjectKey)] = ownerInfo{true, b.Release}
	}
	for _, c := range f.CRDs {
		m[crdKey(c.Name)] = ownerInfo{true, c.Release}
	}
	for _, st := range f.Stores {
		m[storeKey(st)] = ownerInfo{true, st.Release}
	}
	if l := f.License; l != nil {
		m[secretKey(l.Namespace, aistor.LicenseSecret)] = ownerInfo{l.Present, l.Release}
	}
	return m
}

// checkRemovals catches what Helm deletes because only the older manifest has
// it: with a definition go all its objects.
func checkRemovals(_ context.Context, s *Subject) Result {
	var f findings
	for _, c := range s.orderedChanges() {
		evaluateRemovals(&f, s.Facts, c)
	}
	return f.buildResult("no CRD and no object store is deleted")
}

func evaluateRemovals(f *findings, facts *plan.Facts, c plan.Change) {
	for _, o := range filterByKind(c.Before, "CustomResourceDefinition") {
		name := images.NestedString(o, "metadata", "name")
		// Helm reads the policy from the manifest it stored, so an annotation
		// put on the live object manually does not count.
		keep := images.NestedString(o, "metadata", "annotations", "helm.sh/resource-policy") == "keep"
		if keep || findObject(c.After, "CustomResourceDefinition", name) != nil {
			continue
		}
		line := fmt.Sprintf("CRD %s: the upgrade of %s to %s would delete it with all its objects", name, c.Key(), c.To)
		if name == aistor.CRDObjectStores {
			line += fmt.Sprintf(", the %d object stores", len(facts.Stores))
		}
		f.addFailure(crdKey(name), "%s", line).
			setDetails("not in the new manifest", "kept", "keep the operator that owns it enabled under operators in "+valuesName(c))
	}
	for _, o := range filterByKind(c.Before, aistor.KindObjectStore) {
		k := plan.KeyOf(o, c.Namespace)
		if findObject(c.After, aistor.KindObjectStore, k.Name) == nil {
			f.addFailure(bindingKey(k), "object store %s/%s: the upgrade of %s to %s would delete and recreate it", k.Namespace, k.Name, c.Key(), c.To).
				setDetails("not in the new manifest", k.Name, "set objectStore.name: "+k.Name+" in "+valuesName(c))
		}
	}
}

func checkLicenseRemoval(_ context.Context, s *Subject) Result {
	if len(s.Inputs.Operator) == 0 {
		return skipResult("the operator is not changed")
	}
	var f findings
	for _, c := range s.Inputs.Operator {
		if findObject(c.Before, "Secret", aistor.LicenseSecret) == nil || findObject(c.After, "Secret", aistor.LicenseSecret) != nil {
			continue
		}
		k := secretKey(c.Namespace, aistor.LicenseSecret)
		f.addFailure(k, "%s: the values contain no license, so the upgrade of %s to %s would delete it", objectLabel(k), c.Key(), c.To).
			setDetails("no license in the values", "license", "helm aistor upgrade --license-file FILE")
		break
	}
	return f.buildResult("the license is kept")
}
