package option

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// mostKeys is how many unknown keys are named.
const mostKeys = 20

// unknownKeys are the keys of a site file that mean nothing, and the keys that
// could stand there.
type unknownKeys struct {
	found, known []values.Path
}

// findUnknownKeys compares a site file with the keys that a site has. A file that
// is no YAML has none: reading it says why.
func findUnknownKeys(text []byte) unknownKeys {
	var doc any
	var u unknownKeys
	if yaml.Unmarshal(text, &doc) == nil {
		u.compare(nil, doc, reflect.TypeFor[plan.Site]())
	}
	return u
}

// compare checks a part of the document and the type that it is read into.
func (u *unknownKeys) compare(at values.Path, part any, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return
	}
	switch t.Kind() {
	case reflect.Slice:
		list, _ := part.([]any)
		for i, e := range list {
			u.compare(append(slices.Clone(at), strconv.Itoa(i)), e, t.Elem())
		}
		if len(list) == 0 {
			u.compare(append(slices.Clone(at), "0"), nil, t.Elem())
		}
	case reflect.Struct:
		u.compareKeys(at, part, fieldsByKey(t))
	}
}

func (u *unknownKeys) compareKeys(at values.Path, part any, fields map[string]reflect.Type) {
	given, _ := part.(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		here := append(slices.Clone(at), key)
		u.known = append(u.known, here)
		u.compare(here, given[key], fields[key])
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(fields)), func(k string) bool { return strings.EqualFold(k, key) }) { // as encoding/json takes them
			u.found = append(u.found, append(slices.Clone(at), key))
		}
	}
}

// fieldsByKey are the types of a struct's fields by the keys that they have in a
// document.
func fieldsByKey(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case key == "-" || !f.IsExported():
		case f.Anonymous && key == "":
			maps.Copy(fields, fieldsByKey(f.Type))
		case key == "":
			fields[f.Name] = f.Type
		default:
			fields[key] = f.Type
		}
	}
	return fields
}

// siteError says what in a site file cannot be used, line by line.
type siteError struct {
	file, problem string
	lines         []string
}

// Error lists the places.
func (e *siteError) Error() string {
	return message.Sprintf("reading site file %q: %s:\n  %s", e.file, e.problem, message.List(e.lines, "\n  "))
}

// Lines implements [message.Liner].
func (e *siteError) Lines() []string { return strings.Split(e.Error(), "\n") }

// Hint is how to get a file with every key that there is.
func (e *siteError) Hint() string {
	return "kubectl aistor-upgrade export writes a site file with the keys that there are"
}

// unknownKeysError names the unknown keys of a site file with their lines, and
// what was probably meant; nil where all are known.
func unknownKeysError(file string, text []byte) error {
	u := findUnknownKeys(text)
	if len(u.found) == 0 {
		return nil
	}
	e := &siteError{file: file, problem: "it has keys that no site has"}
	source := values.Source{Name: file, Data: text}
	lines := map[int][]string{}
	for _, at := range u.found[:min(len(u.found), mostKeys)] {
		line := source.KeyLine(at)
		said := fmt.Sprintf("line %d: %s", line, at)
		if near := values.Nearest(at, u.known); near != "" {
			said += " (did you mean " + near + "?)"
		}
		lines[line] = append(lines[line], said)
	}
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		e.lines = append(e.lines, lines[line]...)
	}
	if more := len(u.found) - mostKeys; more > 0 {
		e.lines = append(e.lines, fmt.Sprintf("and %d more", more))
	}
	return e
}

// siteNamesError names what in a site file can be no name of an object.
func siteNamesError(file string, text []byte, site *plan.Site) error {
	e := &siteError{file: file, problem: "it has names that no object has"}
	source := values.Source{Name: file, Data: text}
	check := func(name, kind string, rule nameRule, at ...string) {
		if name == "" || len(e.lines) == mostKeys {
			return
		}
		if faults := rule(name); len(faults) > 0 {
			e.lines = append(e.lines, fmt.Sprintf("line %d: %s %q is not a name of %s: %s", source.KeyLine(at), values.Path(at), name, kind, strings.Join(faults, "; ")))
		}
	}
	check(site.Registry.PullSecret, "a Secret", pullSecretName, "registry", "pullSecret")
	release := func(r plan.SiteRelease, at ...string) {
		check(r.Namespace, "a namespace", namespaceName, append(at, "namespace")...)
		check(r.Release, aRelease, releaseName, append(at, "release")...)
		check(r.Store, aStore, objectName, append(at, "store")...)
	}
	release(site.Operator, "operator")
	for i, s := range site.ObjectStores {
		release(s, "objectStores", strconv.Itoa(i))
	}
	if len(e.lines) == 0 {
		return nil
	}
	return e
}
