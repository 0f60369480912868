package standin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Object is a Kubernetes object as JSON decodes it.
type Object map[string]any

// At returns the value at the path of keys, or nil where there is none.
func (o Object) At(path ...string) any {
	var node any = map[string]any(o)
	for _, key := range path {
		switch m := node.(type) {
		case map[string]any:
			node = m[key]
		case Object:
			node = m[key]
		default:
			return nil
		}
	}
	return node
}

// Text returns the string at the path, or "".
func (o Object) Text(path ...string) string {
	s, _ := o.At(path...).(string)
	return s
}

// Number returns the number at the path, or 0.
func (o Object) Number(path ...string) int {
	switch n := o.At(path...).(type) {
	case float64:
		return int(n)
	case int:
		return n
	case int64:
		return int(n)
	}
	return 0
}

// Bool returns the boolean at the path, or false.
func (o Object) Bool(path ...string) bool {
	b, _ := o.At(path...).(bool)
	return b
}

// Map returns the object at the path, or an empty one that is not part of o.
func (o Object) Map(path ...string) Object {
	switch m := o.At(path...).(type) {
	case map[string]any:
		return m
	case Object:
		return m
	}
	return Object{}
}

// List returns the objects of the list at the path.
func (o Object) List(path ...string) []Object {
	var out []Object
	switch list := o.At(path...).(type) {
	case []any:
		for _, item := range list {
			if m, ok := item.(map[string]any); ok {
				out = append(out, m)
			} else if m, ok := item.(Object); ok {
				out = append(out, m)
			}
		}
	case []Object:
		return list
	}
	return out
}

// Name returns the object's name.
func (o Object) Name() string { return o.Text("metadata", "name") }

// Namespace returns the object's namespace, "" where it has none.
func (o Object) Namespace() string { return o.Text("metadata", "namespace") }

// Annotation returns one annotation's value, or "".
func (o Object) Annotation(key string) string { return o.Text("metadata", "annotations", key) }

// Label returns one label's value, or "".
func (o Object) Label(key string) string { return o.Text("metadata", "labels", key) }

// Annotate sets an annotation.
func (o Object) Annotate(key, value string) {
	meta, ok := o["metadata"].(map[string]any)
	if !ok {
		if m, isObject := o["metadata"].(Object); isObject {
			meta = m
		} else {
			meta = map[string]any{}
		}
		o["metadata"] = meta
	}
	all := map[string]any{}
	for k, v := range o.Map("metadata", "annotations") {
		all[k] = v
	}
	all[key] = value
	meta["annotations"] = all
}

// Copy returns a deep copy, in the types JSON decodes to.
func (o Object) Copy() Object {
	text, err := json.Marshal(o)
	if err != nil {
		return Object{}
	}
	var out Object
	if err := json.Unmarshal(text, &out); err != nil {
		return Object{}
	}
	return out
}

// hash returns a short digest of any JSON value; map keys are sorted by JSON.
func hash(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// ready reports whether a pod is Ready and not going away.
func ready(pod Object) bool {
	if pod.Text("metadata", "deletionTimestamp") != "" {
		return false
	}
	return condition(pod, "Ready").Text("status") == "True"
}

func condition(o Object, kind string) Object {
	for _, c := range o.List("status", "conditions") {
		if c.Text("type") == kind {
			return c
		}
	}
	return Object{}
}

// tag returns the tag of an image reference, or "" for one by digest alone.
func tag(reference string) string {
	reference, _, _ = strings.Cut(reference, "@")
	last := reference[strings.LastIndex(reference, "/")+1:]
	_, tag, _ := strings.Cut(last, ":")
	return tag
}
