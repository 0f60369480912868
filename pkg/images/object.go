package images

import (
	"strings"

	"sigs.k8s.io/yaml"
)

// Object is one rendered or live Kubernetes object as plain data.
type Object map[string]any

// ParseObject reads one YAML or JSON document.
func ParseObject(doc []byte) (Object, error) {
	var o Object
	return o, yaml.Unmarshal(doc, &o)
}

// ParseObjects reads the documents of a release's manifest. Documents that
// are empty or no object are left out: Helm keeps both.
func ParseObjects(manifest string) []Object {
	list, _ := ParseReleaseManifest(manifest)
	return list
}

// ParseReleaseManifest is [ParseObjects] that also counts the documents that are
// neither empty nor an object.
func ParseReleaseManifest(manifest string) (objects []Object, unreadable int) {
	for doc := range strings.SplitSeq(manifest, "\n---") {
		o, err := ParseObject([]byte(doc))
		switch {
		case err != nil || len(o) > 0 && o["kind"] == nil:
			unreadable++
		case len(o) > 0:
			objects = append(objects, o)
		}
	}
	return objects, unreadable
}

// NestedValue is what lies at path in an [Object] or in plain maps, or nil where a key
// is missing or something on the way is not a map. Lists are not entered.
func NestedValue(v any, path ...string) any {
	for _, p := range path {
		switch m := v.(type) {
		case map[string]any:
			v = m[p]
		case Object:
			v = m[p]
		default:
			return nil
		}
	}
	return v
}

// NestedString is the string at path, or "" where there is none; see [NestedValue].
func NestedString(v any, path ...string) string {
	s, _ := NestedValue(v, path...).(string)
	return s
}

// FilterByKind are the objects of one kind.
func FilterByKind(objects []Object, kind string) []Object {
	var list []Object
	for _, o := range objects {
		if NestedString(o, "kind") == kind {
			list = append(list, o)
		}
	}
	return list
}

// FindObject is the first object of a kind with a name, or nil; an empty name
// matches any.
func FindObject(objects []Object, kind, name string) Object {
	for _, o := range objects {
		if NestedString(o, "kind") == kind && (name == "" || NestedString(o, "metadata", "name") == name) {
			return o
		}
	}
	return nil
}
