package preflight

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// crdSchema is one version of a CustomResourceDefinition as the API server
// holds objects against it. Kubernetes' own packages for that bring its whole
// API server along; an OpenAPI schema is a JSON schema but for a few words,
// and rules in CEL are compared with those that a server can be asked about.
type crdSchema struct {
	raw    map[string]any
	schema *jsonschema.Schema
}

// violation is one thing about an object that a definition does not accept.
type violation struct {
	path, reason string
	// serverOnly says that only a server with this definition could tell.
	serverOnly bool
}

func (b violation) String() string { return b.path + " " + b.reason }

// errNotServed says that a definition does not serve a version.
var errNotServed = errors.New("is not served")

// compileCRDSchema reads the schema of one version. A version without a schema
// accepts everything.
func compileCRDSchema(crd images.Object, version string) (*crdSchema, error) {
	raw, served := rawSchema(crd, version)
	if !served {
		return nil, errNotServed
	}
	return compileSchema(raw)
}

// rawSchema is one version's schema as it is written, and whether that version
// is served.
func rawSchema(crd images.Object, version string) (map[string]any, bool) {
	versions, _ := images.NestedValue(crd, "spec", "versions").([]any)
	for _, v := range versions {
		if images.NestedString(v, "name") != version {
			continue
		}
		served, said := images.NestedValue(v, "served").(bool)
		raw, _ := images.NestedValue(v, "schema", "openAPIV3Schema").(map[string]any)
		return raw, served || !said
	}
	return nil, false
}

// versionsOf are the versions a definition has.
func versionsOf(crd images.Object) []string {
	var list []string
	versions, _ := images.NestedValue(crd, "spec", "versions").([]any)
	for _, v := range versions {
		list = append(list, images.NestedString(v, "name"))
	}
	return list
}

func compileSchema(raw map[string]any) (*crdSchema, error) {
	plain, err := toJSONValue(jsonSchema(raw, true))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	// Its exclusive bounds are switches, as in OpenAPI 3.0.
	c.DefaultDraft(jsonschema.Draft4)
	if err := c.AddResource("definition.json", plain); err != nil {
		return nil, fmt.Errorf("reading schema: %w", err)
	}
	schema, err := c.Compile("definition.json")
	if err != nil {
		return nil, fmt.Errorf("reading schema: %w", err)
	}
	return &crdSchema{raw: raw, schema: schema}, nil
}

// toJSONValue is a deep copy as a JSON document reads.
func toJSONValue(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(b))
}

// sharedKeywords are the keywords that mean the same in both. Formats are left out:
// the server knows other ones than a JSON schema does, and few.
func sharedKeywords() []string {
	return []string{"maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern",
		"maxItems", "minItems", "uniqueItems", "multipleOf", "maxProperties", "minProperties"}
}

// jsonSchema translates one schema: nullable and int-or-string become types,
// what has a default is required of nobody. The root's metadata and status are
// the server's and the operator's own.
func jsonSchema(in map[string]any, root bool) map[string]any {
	out := map[string]any{}
	for _, w := range sharedKeywords() {
		if v, ok := in[w]; ok {
			out[w] = v
		}
	}
	nullable, _ := in["nullable"].(bool)
	both, _ := in["x-kubernetes-int-or-string"].(bool)
	switch t, _ := in["type"].(string); {
	case both:
		out["type"] = schemaTypes(nullable, "integer", "string")
	case t != "":
		out["type"] = schemaTypes(nullable, t)
	}
	if list, ok := in["enum"].([]any); ok && len(list) > 0 {
		out["enum"] = list
		if nullable && !slices.Contains(list, nil) {
			out["enum"] = append(slices.Clone(list), nil)
		}
	}
	properties, _ := in["properties"].(map[string]any)
	translateProperties(out, properties, root)
	if list := requiredFields(in, properties, root); len(list) > 0 {
		out["required"] = list
	}
	for _, w := range []string{"additionalProperties", "items", "not"} {
		if one, ok := in[w].(map[string]any); ok {
			out[w] = jsonSchema(one, false)
		}
	}
	for _, w := range []string{"allOf", "anyOf", "oneOf"} {
		if list, ok := in[w].([]any); ok && len(list) > 0 {
			var of []any
			for _, e := range list {
				m, _ := e.(map[string]any)
				of = append(of, jsonSchema(m, false))
			}
			out[w] = of
		}
	}
	return out
}

func schemaTypes(nullable bool, types ...string) []string {
	if nullable {
		types = append(types, "null")
	}
	return types
}

func translateProperties(out, properties map[string]any, root bool) {
	if len(properties) == 0 {
		return
	}
	of := map[string]any{}
	for name, p := range properties {
		m, _ := p.(map[string]any)
		if m == nil || root && isServerField(name) {
			continue
		}
		of[name] = jsonSchema(m, false)
	}
	out["properties"] = of
}

func requiredFields(in, properties map[string]any, root bool) []string {
	var list []string
	all, _ := in["required"].([]any)
	for _, r := range all {
		name, _ := r.(string)
		p, _ := properties[name].(map[string]any)
		if _, given := p["default"]; !given && (!root || !isServerField(name)) {
			list = append(list, name)
		}
	}
	return list
}

// isServerField reports whether a field of an object is not the user's to write.
func isServerField(name string) bool {
	return slices.Contains([]string{"apiVersion", "kind", "metadata", "status"}, name)
}

// findViolations says what the definition does not accept about an object, which is old
// before; old is nil where there is none. Rules that the installed schema has
// as well are left to the server, which was asked.
func (d *crdSchema) findViolations(old, object images.Object, installed map[string]any) []violation {
	user := map[string]any{}
	for k, v := range object {
		if !isServerField(k) {
			user[k] = withoutNulls(v)
		}
	}
	plain, err := toJSONValue(user)
	if err != nil {
		return []violation{{path: "it", reason: "is not JSON:  " + err.Error()}}
	}
	var list []violation
	var invalid *jsonschema.ValidationError
	if errors.As(d.schema.Validate(plain), &invalid) {
		list = violations(invalid)
	}
	rules := celRules{installed: installed}
	rules.walkValue(d.raw, map[string]any(object), map[string]any(old), "", nil)
	return append(list, rules.found...)
}

// withoutNulls leaves out fields that are null, which a patch removes and a
// definition's defaults replace.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if e != nil {
				out[k] = withoutNulls(e)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = withoutNulls(e)
		}
		return out
	}
	return v
}

// pathOf writes the way to a value as the server does.
func pathOf(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		if t != "" && strings.Trim(t, "0123456789") == "" {
			b.WriteString("[" + t + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteString(".")
		}
		b.WriteString(t)
	}
	return b.String()
}
