package plan

import (
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// clusterScoped are the kinds without a namespace that the AIStor charts
// render; rendered objects leave the namespace out, so it cannot be told from
// the object itself.
var clusterScoped = map[string]bool{
	"ClusterRole": true, "ClusterRoleBinding": true, "CustomResourceDefinition": true,
	"MutatingWebhookConfiguration": true, "ValidatingWebhookConfiguration": true,
	"Namespace": true, "PriorityClass": true, "StorageClass": true, "PersistentVolume": true,
}

// KeyOf names a rendered object; namespace is the release's, used where the
// object names none and its kind has one.
func KeyOf(o images.Object, namespace string) ObjectKey {
	k := ObjectKey{APIVersion: images.NestedString(o, "apiVersion"), Kind: images.NestedString(o, "kind"), Name: images.NestedString(o, "metadata", "name")}
	if clusterScoped[k.Kind] {
		return k
	}
	if k.Namespace = images.NestedString(o, "metadata", "namespace"); k.Namespace == "" {
		k.Namespace = namespace
	}
	return k
}

// findObject is the first object of a kind with a name; an empty name matches any.
func findObject(objects []images.Object, kind, name string) images.Object {
	for _, o := range objects {
		if images.NestedString(o, "kind") == kind && (name == "" || images.NestedString(o, "metadata", "name") == name) {
			return o
		}
	}
	return nil
}

// objectsByName are the names of all objects of a kind.
func objectsByName(objects []images.Object, kind string) map[string]images.Object {
	m := map[string]images.Object{}
	for _, o := range objects {
		if images.NestedString(o, "kind") == kind {
			m[images.NestedString(o, "metadata", "name")] = o
		}
	}
	return m
}
