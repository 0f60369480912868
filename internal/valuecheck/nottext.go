package valuecheck

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// NotText is a credential that the values give as something else than text:
// charts refuse it, or render it in a form that is not as it was written.
type NotText struct {
	Finding
	// Type says what it is: "a whole number".
	Type string
	// Written is the text in the file and Rendered what a template makes of
	// the value; both are secret. Written is empty where no file has it.
	Written, Rendered string
	// Refused says that it cannot be what was meant: what is rendered in another
	// form than it is written, and not in use.
	Refused bool
	// Structure says that it is refused because it is a map, a list or nothing,
	// of which no chart makes the text that was meant.
	Structure bool
}

// CredentialsNotText are the credentials among the values that are no text, in
// the order of their names.
func CredentialsNotText(in Input) []NotText {
	w := notTextWalker{in: in, locate: in.locator()}
	w.walk(nil, in.Values)
	return w.list
}

// notTextWalker finds credentials that are no text.
type notTextWalker struct {
	in     Input
	locate func(*Finding) (written string)
	list   []NotText
}

func (w *notTextWalker) walk(at values.Path, v any) {
	if name := lastOf(at); name != "" && isCredentialSetting(name) && isNotText(name, v) {
		w.add(at, v)
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if !isManifests(k) { // objects of other kinds, whose API says what is text
				w.walk(child(at, k), v[k])
			}
		}
	case []any:
		for i, e := range v {
			w.variable(child(at, strconv.Itoa(i)), e)
			w.walk(child(at, strconv.Itoa(i)), e)
		}
	}
}

// variable checks the value of an environment variable that holds a secret.
func (w *notTextWalker) variable(at values.Path, v any) {
	m, _ := v.(map[string]any)
	name, _ := m["name"].(string)
	value, ok := m["value"]
	if _, isText := value.(string); ok && !isText && value != nil && len(at) > 1 && redact.IsSecretName(name) && strings.HasSuffix(strings.ToLower(at[len(at)-2]), "env") {
		w.add(child(at, "value"), value)
	}
}

func (w *notTextWalker) add(at values.Path, v any) {
	n := NotText{Finding: Finding{Path: slices.Clone(at)}, Rendered: fmt.Sprint(v)}
	n.Written = w.locate(&n.Finding)
	n.Type = typeOf(v, n.Written)
	n.Refused = w.in.refusesNotText(n, v)
	switch v.(type) {
	case map[string]any, []any, nil:
		n.Structure = n.Refused
	}
	if v != nil || n.Refused {
		w.list = append(w.list, n)
	}
}

// refusesNotText reports whether a value cannot be the credential that somebody
// meant. A number may be what is in use, in Helm's form.
func (in Input) refusesNotText(n NotText, v any) bool {
	installed, has := values.Get(in.Installed, n.Path...)
	switch v.(type) {
	case map[string]any, []any:
		return true
	case nil:
		return in.Installed == nil || has && installed != nil
	}
	if has && reflect.DeepEqual(installed, v) {
		return false
	}
	switch {
	case n.Set: // JSON alone is not a text there, and its numbers lose digits
		return strings.Contains(n.Rendered, "e+")
	case n.File == "":
		return false
	}
	return n.Written != n.Rendered // also behind an alias or a tag
}

// isNotText reports whether the value of a credential is something else than
// text. Nothing is a value of a license, and of the passwords of things that
// are off; a root login is never nothing.
func isNotText(name string, v any) bool {
	switch v.(type) {
	case string:
		return false
	case nil:
		return slices.Contains(rootSettings, strings.ToLower(name))
	}
	return true
}

// rootSettings are the settings of a root login.
var rootSettings = []string{"accesskey", "secretkey"}

// isCredentialSetting reports whether a setting of this name can be nothing but
// a credential. Others, such as automountServiceAccountToken, are switches.
func isCredentialSetting(name string) bool {
	lower := strings.ToLower(name)
	return slices.Contains(rootSettings, lower) || lower == "license" || strings.HasSuffix(lower, "password")
}

func typeOf(v any, written string) string {
	switch v.(type) {
	case map[string]any:
		return "a map, which text with a colon, or in braces without quotes, is to YAML"
	case []any:
		return "a list, which text in brackets, or after a hyphen, is to YAML without quotes"
	case nil:
		return "nothing, which no text, ~ and null are to YAML"
	case bool:
		return "a word that YAML reads as true or false"
	}
	digits := strings.TrimLeft(written, "+-")
	f, _ := v.(float64)
	switch {
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0b"), strings.HasPrefix(digits, "0o"):
		return "a number that is not written in decimal digits"
	case len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0123456789_") == "":
		return "a number with a leading zero, which YAML reads as octal"
	case strings.ContainsAny(digits, "eE"):
		return "a number with an exponent"
	case strings.Contains(digits, "."):
		return "a number with a decimal point"
	case f >= 1<<53 || f <= -(1<<53):
		return "a number with more digits than Helm keeps"
	}
	return "a number"
}

func (n NotText) describe() string {
	f := n.Finding
	f.Form.Name = n.Type
	if n.Written != "" && n.Written != n.Rendered {
		f.Form.Name += ", which Helm renders in another form than it is written"
	}
	return f.describe()
}

// Describe is one setting with its place and type, for people.
func (n NotText) Describe() string { return n.describe() }
