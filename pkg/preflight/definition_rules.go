package preflight

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// immutable is the rule that forbids a change; every other one needs a server.
const immutable = "self==oldSelf"

// ruler goes through the rules of a schema that apply to an object.
type ruler struct {
	installed map[string]any
	found     []broken
}

// walk follows a schema and a value down. Way is where in the schema it is.
func (r *ruler) walk(schema map[string]any, value, old any, path string, way []string) {
	if schema == nil || value == nil {
		return
	}
	r.judge(schema, value, old, path, way)
	switch v := value.(type) {
	case map[string]any:
		r.fields(schema, v, old, path, way)
	case []any:
		items, _ := schema["items"].(map[string]any)
		for i, e := range v {
			r.walk(items, e, counterpart(schema, e, old), fmt.Sprintf("%s[%d]", path, i), append(slices.Clip(way), "items"))
		}
	}
}

func (r *ruler) fields(schema, value map[string]any, old any, path string, way []string) {
	properties, _ := schema["properties"].(map[string]any)
	others, _ := schema["additionalProperties"].(map[string]any)
	for _, k := range sortedKeys(value) {
		if path == "" && ofServer(k) {
			continue
		}
		below, _ := properties[k].(map[string]any)
		next := append(slices.Clip(way), "properties", k)
		if below == nil {
			below, next = others, append(slices.Clip(way), "additionalProperties")
		}
		r.walk(below, value[k], images.At(old, k), strings.TrimPrefix(path+"."+k, "."), next)
	}
}

func (r *ruler) judge(schema map[string]any, value, old any, path string, way []string) {
	for _, text := range ruleTexts(schema) {
		switch plain := strings.Join(strings.Fields(text.rule), ""); {
		case plain == immutable:
			if old != nil && !sameJSON(value, old) {
				r.found = append(r.found, broken{path: path, why: orElse(text.message, "is immutable")})
			}
		case strings.Contains(plain, "oldSelf") && (old == nil || sameJSON(value, old)):
			// What does not change meets no rule about changes.
		case r.asked(way, text.rule):
		default:
			r.found = append(r.found, broken{path: orElse(path, "it"), unknown: true, why: "has to keep the rule " + text.rule})
		}
	}
}

// asked reports whether the installed definition has the same rule at the same
// place, so that the server judged it in a dry run.
func (r *ruler) asked(way []string, rule string) bool {
	return slices.ContainsFunc(ruleTexts(images.At(r.installed, way...)), func(t ruleText) bool { return t.rule == rule })
}

type ruleText struct{ rule, message string }

func ruleTexts(schema any) []ruleText {
	list, _ := images.At(schema, "x-kubernetes-validations").([]any)
	var texts []ruleText
	for _, e := range list {
		texts = append(texts, ruleText{images.Text(e, "rule"), images.Text(e, "message")})
	}
	return texts
}

// counterpart is what an element of a list was before: the one with the same
// keys, as the server finds it, or nil.
func counterpart(schema map[string]any, element, old any) any {
	keys, _ := schema["x-kubernetes-list-map-keys"].([]any)
	list, _ := old.([]any)
	if len(keys) == 0 {
		return nil
	}
	for _, o := range list {
		if !slices.ContainsFunc(keys, func(k any) bool {
			name, _ := k.(string)
			return !sameJSON(images.At(o, name), images.At(element, name))
		}) {
			return o
		}
	}
	return nil
}

// sameJSON compares values whatever types their numbers have.
func sameJSON(a, b any) bool {
	x, errA := plainly(withoutNulls(a))
	y, errB := plainly(withoutNulls(b))
	return errA == nil && errB == nil && reflect.DeepEqual(x, y)
}
