package preflight

import (
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func nodeKey(name string) plan.ObjectKey { return plan.ObjectKey{Kind: "Node", Name: name} }

func podKey(p plan.Pod) plan.ObjectKey {
	return plan.ObjectKey{Kind: "Pod", Namespace: p.Namespace, Name: p.Name}
}

func storeKey(s plan.Store) plan.ObjectKey {
	return plan.ObjectKey{Kind: "ObjectStore", Namespace: s.Namespace, Name: s.Name}
}

func secretKey(namespace, name string) plan.ObjectKey {
	return plan.ObjectKey{Kind: "Secret", Namespace: namespace, Name: name}
}

func serviceKey(namespace, name string) plan.ObjectKey {
	return plan.ObjectKey{Kind: "Service", Namespace: namespace, Name: name}
}

func crdKey(name string) plan.ObjectKey {
	return plan.ObjectKey{Kind: "CustomResourceDefinition", Name: name}
}

// releaseKey names a release by namespace/name; Helm keeps it in a Secret, but
// people know it as a release.
func releaseKey(key string) plan.ObjectKey {
	ns, name, _ := strings.Cut(key, "/")
	return plan.ObjectKey{Kind: "Release", Namespace: ns, Name: name}
}

// allReleases are the operator's release and all others.
func allReleases(f *plan.Facts) []plan.InstalledRelease {
	var list []plan.InstalledRelease
	if f.Operator != nil {
		list = append(list, *f.Operator)
	}
	for _, r := range f.Releases {
		if f.Operator == nil || r.Key() != f.Operator.Key() {
			list = append(list, r)
		}
	}
	return list
}
