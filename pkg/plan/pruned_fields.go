package plan

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// PrunedFields are the paths in an object's spec that a definition does not know:
// the API server drops them without a word, and no later definition brings them
// back. A definition without a schema for the object's version drops nothing.
func PrunedFields(crd, o images.Object) []string {
	version := images.NestedString(o, "apiVersion")
	schema := schemaOf(crd, version[strings.LastIndexByte(version, '/')+1:])
	spec, _ := images.NestedValue(schema, "properties", "spec").(map[string]any)
	return prunedFields(spec, images.NestedValue(o, "spec"), "spec")
}

// schemaOf is the schema of one version of a definition, or nil. An empty
// version takes the stored one.
func schemaOf(crd images.Object, version string) map[string]any {
	versions, _ := images.NestedValue(crd, "spec", "versions").([]any)
	for _, v := range versions {
		storage, _ := images.NestedValue(asMap(v), "storage").(bool)
		if (version == "" && storage) || (version != "" && images.NestedString(asMap(v), "name") == version) {
			schema, _ := images.NestedValue(asMap(v), "schema", "openAPIV3Schema").(map[string]any)
			return schema
		}
	}
	return nil
}

// prunedFields are the paths below path that the schema does not know and that
// the API server would drop without a word. Values that say nothing, such as
// an empty map, are no loss.
func prunedFields(schema map[string]any, value any, path string) []string {
	if keep, _ := schema["x-kubernetes-preserve-unknown-fields"].(bool); keep || schema == nil {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		return prunedInMap(schema, v, path)
	case []any:
		items, _ := schema["items"].(map[string]any)
		var lost []string
		for i, e := range v {
			lost = append(lost, prunedFields(items, e, fmt.Sprintf("%s[%d]", path, i))...)
		}
		return lost
	}
	return nil
}

func prunedInMap(schema, v map[string]any, path string) []string {
	properties, _ := schema["properties"].(map[string]any)
	additional := schema["additionalProperties"]
	embedded, _ := schema["x-kubernetes-embedded-resource"].(bool)
	var lost []string
	for _, k := range slices.Sorted(maps.Keys(v)) {
		below := path + "." + k
		if p, ok := properties[k].(map[string]any); ok {
			lost = append(lost, prunedFields(p, v[k], below)...)
			continue
		}
		switch a := additional.(type) {
		case map[string]any:
			lost = append(lost, prunedFields(a, v[k], below)...)
			continue
		case bool:
			if a {
				continue
			}
		}
		if embedded && (k == "apiVersion" || k == "kind" || k == "metadata") {
			continue
		}
		if !IsEmptyValue(v[k]) {
			lost = append(lost, below)
		}
	}
	return lost
}

// IsEmptyValue reports whether a value is the same as its absence.
func IsEmptyValue(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, e := range v {
			if !IsEmptyValue(e) {
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
