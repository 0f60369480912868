package images

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// fieldPath is where a walk stands: the path in words, and the keys just above.
type fieldPath struct {
	path        string
	key, parent string
	nested      bool
}

func (p fieldPath) childField(key string) fieldPath {
	step := "." + key
	if strings.ContainsAny(key, ".[]") {
		step = "['" + key + "']"
	}
	return fieldPath{path: p.path + step, key: key, parent: p.key, nested: p.nested}
}

func (p fieldPath) listItem(i int) fieldPath {
	return fieldPath{path: fmt.Sprintf("%s[%d]", p.path, i), parent: p.key, nested: p.nested}
}

func (p fieldPath) nestedDocument() fieldPath {
	return fieldPath{path: p.path + " → ", nested: true}
}

// objectWalker walks one object together with its sentinel render.
type objectWalker struct {
	*finder
	reason Reason
	live   bool
}

func (w *objectWalker) walkValue(v, twin any, at fieldPath) {
	switch v := v.(type) {
	case map[string]any:
		t, _ := twin.(map[string]any)
		w.walkFields(v, t, at)
	case []any:
		t, _ := twin.([]any)
		for i, e := range v {
			var te any
			if len(t) == len(v) {
				te = t[i]
			}
			w.walkValue(e, te, at.listItem(i))
		}
	case string:
		t, _ := twin.(string)
		w.walkText(v, t, at)
	}
}

func (w *objectWalker) walkFields(m, twin map[string]any, at fieldPath) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		next := at.childField(k)
		if w.live && skipLive(next.path) {
			continue
		}
		if k == "image" && at.key != "rbd" && w.imageMap(m[k], next) {
			continue
		}
		w.walkValue(m[k], twin[k], next)
	}
}

// skipLive leaves out what the cluster keeps beside the spec: it names images
// of the past.
func skipLive(path string) bool {
	return path == ".status" || path == ".metadata.managedFields" || path == ".metadata.annotations"
}

// imageMap reads the forms of "image" that are maps: repository with tag or
// digest, as in values, and reference, as in image volumes. It reports whether v
// is one of them.
func (w *objectWalker) imageMap(v any, at fieldPath) bool {
	m, ok := v.(map[string]any)
	if !ok {
		return false
	}
	if s, ok := m["reference"].(string); ok && s != "" {
		w.addReference(s, at.childField("reference"))
		return true
	}
	repository, _ := m["repository"].(string)
	tag, _ := m["tag"].(string)
	digest, _ := m["digest"].(string)
	if repository == "" || tag+digest == "" {
		return false
	}
	if tag != "" {
		repository += ":" + tag
	}
	if digest != "" {
		repository += "@" + digest
	}
	w.addReference(repository, at)
	return true
}

func (w *objectWalker) walkText(s, twin string, at fieldPath) {
	switch {
	case w.sentinel != "" && strings.HasPrefix(twin, w.sentinel+"/"):
		w.addReference(s, at)
		return
	case at.key == "image" && at.parent != "rbd":
		if !isURL(s) {
			w.addReference(s, at)
		}
		return
	}
	if looksLikeYAML(s) {
		var v, t any
		if err := yaml.Unmarshal([]byte(s), &v); err == nil && isCollection(v) {
			if twin != "" && yaml.Unmarshal([]byte(twin), &t) != nil {
				t = nil
			}
			w.walkValue(v, t, at.nestedDocument())
			return
		}
	}
	if w.sentinel != "" && strings.Contains(twin, w.sentinel+"/") {
		w.addEmbeddedReference(s, twin, at)
	} else if w.possible {
		w.addPossible(s, at)
	}
}

// addEmbeddedReference reads the reference out of a longer string, such as an argument
// --image=REF: the text at the sentinel's position.
func (w *objectWalker) addEmbeddedReference(s, twin string, at fieldPath) {
	before, _, _ := strings.Cut(twin, w.sentinel+"/")
	rest, ok := strings.CutPrefix(s, before)
	if !ok {
		w.addInvalid(s, at, errors.New("the text after the registry is not an image reference"))
		return
	}
	if end := strings.IndexAny(rest, " \t\r\n\"'`,;|)}]"); end >= 0 {
		rest = rest[:end]
	}
	w.addReference(rest, at)
}

func (w *objectWalker) addReference(s string, at fieldPath) {
	s = strings.TrimSpace(s)
	if s == "" { // asks for nothing
		return
	}
	r, err := ParseRef(s)
	if err != nil {
		w.addInvalid(s, at, errors.Unwrap(err))
		return
	}
	why := w.reason
	why.Path = at.path
	w.addReason(r, why)
}

func (w *objectWalker) addInvalid(s string, at fieldPath, err error) {
	if w.invalid == nil {
		w.invalid = &InvalidImageError{Object: w.reason.Object, Path: at.path, Value: s, Err: err}
	}
}

// possibleReference is narrower than what a runtime accepts: with a path and a tag or
// digest. Without these every other word would be a possible image.
var possibleReference = regexp.MustCompile(`^[\w.-]+(:\d+)?(/[\w.-]+)+(:[\w][\w.-]*|@sha256:[0-9a-f]{64})+$`)

// isURL reports whether a field "image" is a graphic instead of a reference:
// it: inline data, or a URL. One that ends in a tag or a digest is a reference
// with a scheme before it, which no runtime pulls.
func isURL(s string) bool {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "?")
	return strings.HasPrefix(s, "data:") || strings.Contains(s, "://") && !strings.ContainsAny(s[strings.LastIndexByte(s, '/')+1:], ":@")
}

func (w *objectWalker) addPossible(s string, at fieldPath) {
	if !possibleReference.MatchString(s) {
		return
	}
	if r, err := ParseRef(s); err == nil {
		why := w.reason
		why.Kind, why.Path = KindPossible, at.path
		w.addReason(r, why)
	}
}

// looksLikeYAML reports whether a string is worth parsing as YAML: a document
// rather than a word.
func looksLikeYAML(s string) bool {
	const most = 1 << 20
	if len(s) > most {
		return false
	}
	return strings.Contains(s, "\n") || strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") || strings.HasPrefix(s, "image:")
}

func isCollection(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}
