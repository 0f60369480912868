package plan

import (
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// clusterScoped are the kinds without a namespace that the AIStor charts
// render; rendered objects leave the namespace out, so it can't be told from
// the object itself.
var clusterScoped = map[string]bool{
	"ClusterRole": true, "ClusterRoleBinding": true, "CustomResourceDefinition": true,
	"MutatingWebhookConfiguration": true, "ValidatingWebhookConfiguration": true,
	"Namespace": true, "PriorityClass": true, "StorageClass": true, "PersistentVolume": true,
}

// KeyOf names a rendered object; namespace is the release's, used where the
// object names none and its kind has one.
func KeyOf(o images.Object, namespace string) ObjectKey {
	k := ObjectKey{APIVersion: text(o, "apiVersion"), Kind: text(o, "kind"), Name: text(o, "metadata", "name")}
	if clusterScoped[k.Kind] {
		return k
	}
	if k.Namespace = text(o, "metadata", "namespace"); k.Namespace == "" {
		k.Namespace = namespace
	}
	return k
}

// find is the first object of a kind with a name; an empty name matches any.
func find(objects []images.Object, kind, name string) images.Object {
	for _, o := range objects {
		if text(o, "kind") == kind && (name == "" || text(o, "metadata", "name") == name) {
			return o
		}
	}
	return nil
}

// names are the names of all objects of a kind.
func names(objects []images.Object, kind string) map[string]images.Object {
	m := map[string]images.Object{}
	for _, o := range objects {
		if text(o, "kind") == kind {
			m[text(o, "metadata", "name")] = o
		}
	}
	return m
}

// text reads the string at path, or "".
func text(o map[string]any, path ...string) string {
	s, _ := at(o, path...).(string)
	return s
}

func at(o map[string]any, path ...string) any {
	var v any = map[string]any(o)
	for _, p := range path {
		switch m := v.(type) {
		case map[string]any:
			v = m[p]
		case images.Object:
			v = m[p]
		default:
			return nil
		}
	}
	return v
}
