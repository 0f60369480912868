package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// LostFields are the paths in an object's spec that a definition does not know:
// the API server drops them without a word, and no later definition brings them
// back. A definition without a schema for the object's version drops nothing.
func LostFields(crd, o images.Object) []string {
	version := images.Text(o, "apiVersion")
	schema := schemaOf(crd, version[strings.LastIndexByte(version, '/')+1:])
	spec, _ := images.At(schema, "properties", "spec").(map[string]any)
	return lostFields(spec, images.At(o, "spec"), "spec")
}

// schemaOf is the schema of one version of a definition, or nil. An empty
// version takes the stored one.
func schemaOf(crd images.Object, version string) map[string]any {
	versions, _ := images.At(crd, "spec", "versions").([]any)
	for _, v := range versions {
		storage, _ := images.At(asMap(v), "storage").(bool)
		if (version == "" && storage) || (version != "" && images.Text(asMap(v), "name") == version) {
			schema, _ := images.At(asMap(v), "schema", "openAPIV3Schema").(map[string]any)
			return schema
		}
	}
	return nil
}

// lostFields are the paths below path that the schema does not know and that
// the API server would drop without a word. Values that say nothing, such as
// an empty map, are no loss.
func lostFields(schema map[string]any, value any, path string) []string {
	if keep, _ := schema["x-kubernetes-preserve-unknown-fields"].(bool); keep || schema == nil {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		return lostInMap(schema, v, path)
	case []any:
		items, _ := schema["items"].(map[string]any)
		var lost []string
		for i, e := range v {
			lost = append(lost, lostFields(items, e, fmt.Sprintf("%s[%d]", path, i))...)
		}
		return lost
	}
	return nil
}

func lostInMap(schema, v map[string]any, path string) []string {
	properties, _ := schema["properties"].(map[string]any)
	additional := schema["additionalProperties"]
	embedded, _ := schema["x-kubernetes-embedded-resource"].(bool)
	var lost []string
	for _, k := range slices.Sorted(maps.Keys(v)) {
		below := path + "." + k
		if p, ok := properties[k].(map[string]any); ok {
			lost = append(lost, lostFields(p, v[k], below)...)
			continue
		}
		switch a := additional.(type) {
		case map[string]any:
			lost = append(lost, lostFields(a, v[k], below)...)
			continue
		case bool:
			if a {
				continue
			}
		}
		if embedded && (k == "apiVersion" || k == "kind" || k == "metadata") {
			continue
		}
		if !SaysNothing(v[k]) {
			lost = append(lost, below)
		}
	}
	return lost
}

// SaysNothing reports whether a value is the same as its absence.
func SaysNothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, e := range v {
			if !SaysNothing(e) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	default:
		return reflect.ValueOf(v).IsZero()
	}
}

func asMap(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}
