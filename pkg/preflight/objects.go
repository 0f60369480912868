package preflight

import (
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// filterByKind are the objects of one kind.
func filterByKind(objects []images.Object, kind string) []images.Object {
	var list []images.Object
	for _, o := range objects {
		if images.NestedString(o, "kind") == kind {
			list = append(list, o)
		}
	}
	return list
}

// findObject is the object of one kind with one name, or nil.
func findObject(objects []images.Object, kind, name string) images.Object {
	for _, o := range filterByKind(objects, kind) {
		if images.NestedString(o, "metadata", "name") == name {
			return o
		}
	}
	return nil
}

// imageReference is one reference in a rendered object.
type imageReference struct {
	object plan.ObjectKey
	path   string
	value  string
}

// renderedImages are all image references of rendered objects, also those in
// YAML that is nested in strings, in a fixed order.
func renderedImages(objects []images.Object, namespace string) []imageReference {
	var list []imageReference
	for _, o := range objects {
		// A definition has fields called image, but no references.
		if images.NestedString(o, "kind") == "CustomResourceDefinition" {
			continue
		}
		w := imageWalker{object: plan.KeyOf(o, namespace)}
		w.walkValue("", map[string]any(o), 0)
		list = append(list, w.found...)
	}
	return list
}

type imageWalker struct {
	object plan.ObjectKey
	found  []imageReference
}

func (w *imageWalker) walkValue(path string, v any, depth int) {
	// Nothing a chart renders nests anywhere near as deep; hostile YAML does.
	if depth > 64 {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if s, ok := v[k].(string); ok && k == "image" && s != "" {
				w.found = append(w.found, imageReference{w.object, path + ".image", s})
				continue
			}
			w.walkValue(path+"."+k, v[k], depth+1)
		}
	case []any:
		for _, e := range v {
			w.walkValue(path+"[]", e, depth+1)
		}
	case string:
		var nested map[string]any
		if strings.Contains(v, "image") && strings.Contains(v, ":") && yaml.Unmarshal([]byte(v), &nested) == nil {
			w.walkValue(path+" → ", nested, depth+1)
		}
	}
}

// defaultImages are the references in the ConfigMap from which the object
// store operator takes what stores run, by image name.
func defaultImages(objects []images.Object) map[string]string {
	m := map[string]string{}
	data, _ := images.NestedValue(findObject(objects, "ConfigMap", aistor.ConfigMapObjectStore), "data").(map[string]any)
	for name, v := range data {
		s, _ := v.(string)
		if image := yamlImage(s); image != "" {
			m[name] = image
		}
	}
	return m
}

// yamlImage is the image in a nested document, or "".
func yamlImage(doc string) string {
	var entry struct {
		Image string `json:"image"`
	}
	if yaml.Unmarshal([]byte(doc), &entry) != nil {
		return ""
	}
	return entry.Image
}

// newRefParser reads references, each text once: thousands of pods name few images.
// It is for one goroutine.
func newRefParser() func(string) (images.Ref, error) {
	type parsed struct {
		ref images.Ref
		err error
	}
	known := map[string]parsed{}
	return func(s string) (images.Ref, error) {
		p, ok := known[s]
		if !ok {
			p.ref, p.err = images.ParseRef(s)
			known[s] = p
		}
		return p.ref, p.err
	}
}
