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

// place is where a walk stands: the path in words, and the keys just above.
type place struct {
	path        string
	key, parent string
	nested      bool
}

func (p place) field(key string) place {
	step := "." + key
	if strings.ContainsAny(key, ".[]") {
		step = "['" + key + "']"
	}
	return place{path: p.path + step, key: key, parent: p.key, nested: p.nested}
}

func (p place) item(i int) place {
	return place{path: fmt.Sprintf("%s[%d]", p.path, i), parent: p.key, nested: p.nested}
}

func (p place) inside() place {
	return place{path: p.path + " → ", nested: true}
}

// walk goes through one object beside its twin.
type walk struct {
	*finder
	reason Reason
	live   bool
}

func (w *walk) value(v, twin any, at place) error {
	switch v := v.(type) {
	case map[string]any:
		t, _ := twin.(map[string]any)
		return w.fields(v, t, at)
	case []any:
		t, _ := twin.([]any)
		for i, e := range v {
			var te any
			if len(t) == len(v) {
				te = t[i]
			}
			if err := w.value(e, te, at.item(i)); err != nil {
				return err
			}
		}
	case string:
		t, _ := twin.(string)
		return w.text(v, t, at)
	}
	return nil
}

func (w *walk) fields(m, twin map[string]any, at place) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		next := at.field(k)
		if w.live && skipLive(next.path) {
			continue
		}
		if k == "image" && at.key != "rbd" {
			if done, err := w.imageMap(m[k], next); done || err != nil {
				if err != nil {
					return err
				}
				continue
			}
		}
		if err := w.value(m[k], twin[k], next); err != nil {
			return err
		}
	}
	return nil
}

// skipLive leaves out what the cluster keeps beside the spec: it names images
// of the past.
func skipLive(path string) bool {
	return path == ".status" || path == ".metadata.managedFields" || path == ".metadata.annotations"
}

// imageMap reads the forms of "image" that are maps: repository with tag or
// digest, as in values, and reference, as in image volumes.
func (w *walk) imageMap(v any, at place) (bool, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return false, nil
	}
	if s, ok := m["reference"].(string); ok && s != "" {
		return true, w.reference(s, at.field("reference"))
	}
	repository, _ := m["repository"].(string)
	tag, _ := m["tag"].(string)
	digest, _ := m["digest"].(string)
	if repository == "" || tag+digest == "" {
		return false, nil
	}
	if tag != "" {
		repository += ":" + tag
	}
	if digest != "" {
		repository += "@" + digest
	}
	return true, w.reference(repository, at)
}

func (w *walk) text(s, twin string, at place) error {
	switch {
	case w.sentinel != "" && strings.HasPrefix(twin, w.sentinel+"/"):
		return w.reference(s, at)
	case at.key == "image" && at.parent != "rbd":
		if picture(s) {
			return nil
		}
		return w.reference(s, at)
	}
	if structured(s) {
		var v, t any
		if err := yaml.Unmarshal([]byte(s), &v); err == nil && container(v) {
			if twin != "" && yaml.Unmarshal([]byte(twin), &t) != nil {
				t = nil
			}
			return w.value(v, t, at.inside())
		}
	}
	if w.sentinel != "" && strings.Contains(twin, w.sentinel+"/") {
		return w.embedded(s, twin, at)
	}
	if w.possible {
		w.guess(s, at)
	}
	return nil
}

// embedded reads the reference out of a longer string, such as an argument
// --image=REF: what stands where the twin has the sentinel.
func (w *walk) embedded(s, twin string, at place) error {
	before, _, _ := strings.Cut(twin, w.sentinel+"/")
	rest, ok := strings.CutPrefix(s, before)
	if !ok {
		return &InvalidImageError{Object: w.reason.Object, Path: at.path, Value: s,
			Err: errors.New("follows the registry, but not in a form that can be read")}
	}
	if end := strings.IndexAny(rest, " \t\r\n\"'`,;|)}]"); end >= 0 {
		rest = rest[:end]
	}
	return w.reference(rest, at)
}

func (w *walk) reference(s string, at place) error {
	s = strings.TrimSpace(s)
	if s == "" { // asks for nothing
		return nil
	}
	r, err := ParseRef(s)
	if err != nil {
		return &InvalidImageError{Object: w.reason.Object, Path: at.path, Value: s, Err: errors.Unwrap(err)}
	}
	why := w.reason
	why.Path = at.path
	w.add(r, why)
	return nil
}

// looksLike is narrower than what a runtime accepts: with a path and a tag or
// digest. Without these every other word would be a possible image.
var looksLike = regexp.MustCompile(`^[\w.-]+(:\d+)?(/[\w.-]+)+(:[\w][\w.-]*|@sha256:[0-9a-f]{64})+$`)

// picture reports whether a field "image" shows something instead of running
// it: inline data, or a URL. One that ends in a tag or a digest is a reference
// with a scheme before it, which no runtime pulls.
func picture(s string) bool {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "?")
	return strings.HasPrefix(s, "data:") || strings.Contains(s, "://") && !strings.ContainsAny(s[strings.LastIndexByte(s, '/')+1:], ":@")
}

func (w *walk) guess(s string, at place) {
	if !looksLike.MatchString(s) {
		return
	}
	if r, err := ParseRef(s); err == nil {
		why := w.reason
		why.Kind, why.Path = KindPossible, at.path
		w.add(r, why)
	}
}

// structured reports whether a string is worth parsing as YAML: a document
// rather than a word.
func structured(s string) bool {
	const most = 1 << 20
	if len(s) > most {
		return false
	}
	return strings.Contains(s, "\n") || strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") || strings.HasPrefix(s, "image:")
}

func container(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}
