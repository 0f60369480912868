package preflight

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// immutableRule is the rule that forbids a change; every other one needs a server.
const immutableRule = "self==oldSelf"

// celRules goes through the rules of a schema that apply to an object.
type celRules struct {
	installed map[string]any
	found     []violation
}

// walkValue follows a schema and a value down. Way is where in the schema it is.
func (r *celRules) walkValue(schema map[string]any, value, old any, path string, way []string) {
	if schema == nil || value == nil {
		return
	}
	r.evaluateRules(schema, value, old, path, way)
	switch v := value.(type) {
	case map[string]any:
		r.walkFields(schema, v, old, path, way)
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, e := range v {
			r.walkValue(items, e, findOldElement(schema, e, old), fmt.Sprintf("%s[%d]", path, i), append(slices.Clip(way), "items"))
		}
	}
}

func (r *celRules) walkFields(schema, value map[string]any, old any, path string, way []string) {
	properties, _ := schema["properties"].(map[string]any)
	others, _ := schema["additionalProperties"].(map[string]any)
	for _, k := range slices.Sorted(maps.Keys(value)) {
		if path == "" && isServerField(k) {
			continue
		}
		below, _ := properties[k].(map[string]any)
		next := append(slices.Clip(way), "properties", k)
		if below == nil {
			below, next = others, append(slices.Clip(way), "additionalProperties")
		}
		r.walkValue(below, value[k], images.NestedValue(old, k), strings.TrimPrefix(path+"."+k, "."), next)
	}
}

func (r *celRules) evaluateRules(schema map[string]any, value, old any, path string, way []string) {
	for _, text := range ruleTexts(schema) {
		switch plain := strings.Join(strings.Fields(text.rule), ""); {
		case plain == immutableRule:
			if old != nil && !equalJSON(value, old) {
				r.found = append(r.found, violation{path: path, reason: cmp.Or(strings.TrimSpace(text.message), "is immutable")})
			}
		case strings.Contains(plain, "oldSelf") && (old == nil || equalJSON(value, old)):
			// What does not change meets no rule about changes.
		case r.evaluatedByServer(way, text.rule):
		default:
			r.found = append(r.found, violation{path: cmp.Or(strings.TrimSpace(path), "it"), serverOnly: true, reason: "must satisfy the rule " + text.rule})
		}
	}
}

// evaluatedByServer reports whether the installed definition has the same rule at the same
// place, so that the server evaluated it in a dry run.
func (r *celRules) evaluatedByServer(way []string, rule string) bool {
	return slices.ContainsFunc(ruleTexts(images.NestedValue(r.installed, way...)), func(t ruleText) bool { return t.rule == rule })
}

type ruleText struct{ rule, message string }

func ruleTexts(schema any) []ruleText {
	list, _ := images.NestedValue(schema, "x-kubernetes-validations").([]any)
	var texts []ruleText
	for _, e := range list {
		texts = append(texts, ruleText{images.NestedString(e, "rule"), images.NestedString(e, "message")})
	}
	return texts
}

// findOldElement is what an element of a list was before: the one with the same
// keys, as the server finds it, or nil.
func findOldElement(schema map[string]any, element, old any) any {
	keys, _ := schema["x-kubernetes-list-map-keys"].([]any)
	list, _ := old.([]any)
	if len(keys) == 0 {
		return nil
	}
	for _, o := range list {
		if !slices.ContainsFunc(keys, func(k any) bool {
			name, _ := k.(string)
			return !equalJSON(images.NestedValue(o, name), images.NestedValue(element, name))
		}) {
			return o
		}
	}
	return nil
}

// equalJSON compares values whatever types their numbers have.
func equalJSON(a, b any) bool {
	x, errA := toJSONValue(withoutNulls(a))
	y, errB := toJSONValue(withoutNulls(b))
	return errA == nil && errB == nil && reflect.DeepEqual(x, y)
}
