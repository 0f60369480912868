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
