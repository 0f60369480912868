package redact

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Values is a copy of values without secrets; nil gives an empty map. See
// [Object].
func Values(values map[string]any) map[string]any { return new(walker).object("", values) }

// Certain is [Values] that hides only what is a secret by its name or its look:
// for comparing settings by a digest, in which an unknown variable has to count
// and a password must not.
func Certain(values map[string]any) map[string]any {
	return (&walker{lenient: true}).object("", values)
}

// Object is [Redactor.Object] of one that knows no values.
func Object(v any) any { return new(walker).value("", v) }

// Text is [Redactor.Text] of one that knows no values.
func Text(s string) string { return new(walker).text(s) }

// Find is what [Object] takes out of v, as it stands there; of a text of
// several lines also each line.
func Find(v any) []string {
	w := new(walker)
	w.value("", v)
	return w.found
}

// walker goes through one object or text and collects what it takes out.
type walker struct {
	known *matcher
	// found are the secrets, and hidden counts also what was only not known to
	// be harmless.
	found  []string
	hidden int
	// lenient shows what is only not known to be harmless.
	lenient bool
	// strengths remembers what names say.
	strengths map[string]strength
}

// strength is [strengthOf], of which most names come often.
func (w *walker) strength(name string) strength {
	s, ok := w.strengths[name]
	if !ok {
		if s = strengthOf(name); w.strengths == nil || len(w.strengths) > 4096 {
			w.strengths = map[string]strength{}
		}
		w.strengths[name] = s
	}
	return s
}

// hide masks what is not remembered.
func (w *walker) hide() string {
	w.hidden++
	return Mask
}

// unknown masks what is not known to be harmless. What it holds by shape is
// remembered, and all of it where it looks like a secret.
func (w *walker) unknown(value string) string {
	shown := w.text(value)
	switch {
	case shown == value && looksSecret(value):
		return w.mask(value)
	case w.lenient:
		return shown
	}
	return w.hide()
}

func (w *walker) mask(secret string) string {
	secret = strings.TrimSpace(secret)
	w.found = append(w.found, secret)
	if strings.Contains(secret, "\n") {
		for line := range strings.Lines(secret) {
			w.found = append(w.found, strings.TrimSpace(line))
		}
	}
	return w.hide()
}

func (w *walker) value(key string, v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		return w.str(key, v)
	case json.Number:
		return w.number(key, v.String(), v)
	case map[string]any:
		return w.object(key, v)
	case []any:
		return w.list(key, v)
	}
	return w.other(key, v)
}

// other handles what decoders of other libraries make.
func (w *walker) other(key string, v any) any {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Map:
		m := make(map[string]any, rv.Len())
		for it := rv.MapRange(); it.Next(); {
			m[fmt.Sprint(it.Key().Interface())] = it.Value().Interface()
		}
		return w.object(key, m)
	case reflect.Slice, reflect.Array:
		if rv.Type().Elem().Kind() == reflect.Uint8 {
			return Mask // nobody knows what bytes are
		}
		list := make([]any, rv.Len())
		for i := range list {
			list[i] = rv.Index(i).Interface()
		}
		return w.list(key, list)
	case reflect.String:
		if s := w.str(key, rv.String()); s != rv.String() {
			return s
		}
	default:
		return w.number(key, fmt.Sprint(v), v)
	}
	return v
}

// number masks a number that is a secret: "maxTokens: 5" is a setting,
// "password: 12345678" is not.
func (w *walker) number(key, text string, v any) any {
	if IsSecretName(key) && !plural(key) || w.known.replace(text) == Mask {
		return w.mask(text)
	}
	return v
}

func (w *walker) object(key string, m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	kind, _ := m["kind"].(string)
	name := nameIn(m)
	variables := holdsEnv(key) && name == ""
	for k, e := range m {
		k := w.known.replace(k)
		switch {
		case kind == "CustomResourceDefinition" && k == "spec":
			out[k] = e // the vendor's words, and a backup has to serve
		case kind == "Secret" && (k == "data" || k == "stringData"):
			out[k] = w.secretData(e, k == "data")
		case strings.EqualFold(k, "value"):
			out[k] = w.valueBeside(key, name, e)
		case variables && isScalar(e):
			out[k] = w.variable(k, e)
		case variables && k != "valueFrom":
			out[k] = w.value(k+"_env", e) // as in "env: {secret: {NAME: value}}"
		default:
			out[k] = w.value(k, e)
		}
	}
	return out
}

// nameIn is the name of the variable that a map defines, if it does.
func nameIn(m map[string]any) string {
	for k, v := range m {
		if s, ok := v.(string); ok && (strings.EqualFold(k, "name") || strings.EqualFold(k, "key") && m["name"] == nil && m["Name"] == nil) {
			return s
		}
	}
	return ""
}

// valueBeside is the value that stands beside a name.
func (w *walker) valueBeside(key, name string, v any) any {
	switch {
	case isScalar(v) && name == "" && holdsEnv(key):
		return w.variable(key, v)
	case isScalar(v) && name != "" && (envName.MatchString(name) || holdsEnv(key)):
		return w.variable(name, v)
	case IsSecretName(name):
		key = name
	}
	return w.value(key, v)
}

// variable is the value of an environment variable, which may be written as a
// number or a truth value.
func (w *walker) variable(name string, v any) any {
	if v == nil {
		return nil
	}
	text := fmt.Sprint(v)
	if shown := w.env(name, text); shown != text {
		return shown
	}
	return v
}

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any, map[any]any:
		return false
	}
	return true
}

// envName is how environment variables are called.
var envName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]+$`)

// holdsEnv reports whether what lies below this key are environment variables.
func holdsEnv(key string) bool {
	k := bare(key)
	return strings.HasSuffix(k, "env") || strings.HasSuffix(k, "environment") || strings.HasSuffix(k, "envs") || strings.HasSuffix(k, "vars") || strings.HasSuffix(k, "variables")
}

// secretData masks what a Secret holds, and keeps its keys. What it means is
// remembered; certificates are public.
func (w *walker) secretData(v any, encoded bool) any {
	m, ok := v.(map[string]any)
	if !ok {
		if v == nil || v == "" || v == Mask {
			return v
		}
		return w.mask(fmt.Sprint(v))
	}
	out := make(map[string]any, len(m))
	for k, e := range m {
		text, isText := e.(string)
		if !isText || text == "" || text == Mask {
			out[k] = w.secretData(e, encoded)
			continue
		}
		if plain, err := base64.StdEncoding.DecodeString(text); encoded && err == nil {
			text = string(plain)
		}
		w.found = append(w.found, SecretsIn(k, text)...)
		out[k] = w.hide()
	}
	return out
}

func (w *walker) list(key string, list []any) []any {
	if holdsArgs(key) {
		return w.args(list)
	}
	out := make([]any, len(list))
	flag := ""
	for i, e := range list {
		s, isText := e.(string)
		if isText && flag != "" && s != "" && s != Mask {
			out[i], flag = w.mask(s), ""
			continue
		}
		out[i], flag = w.value(key, e), ""
		if strings.HasPrefix(s, "-") && !strings.ContainsAny(s, "= ") && IsSecretName(s) {
			flag = s
		}
	}
	return out
}

func (w *walker) str(key, s string) string {
	switch {
	case showable(key, s):
		return s
	case IsSecretName(key), strengthOf(key) == suspect && looksSecret(s), bare(key) == "auth" && isLogin(s):
		return w.mask(s)
	case holdsArgs(key):
		return w.script(s)
	}
	s = w.known.replace(s)
	if identity.MatchString(key) {
		return w.named(s)
	}
	return w.text(s)
}

// identity is how fields are called that hold digests and identities.
var identity = regexp.MustCompile(`(?i)digest|checksum|sha256|hash$|uid|commit|revision|fingerprint|etag|imageid|containerid|resourceversion|systemuuid|machineid|bootid|signedby`)

// showable reports whether a value may be seen though its name is a secret's: it
// gives nothing away, says which license there is, or where a file lies.
func showable(name, value string) bool {
	if plain(value) {
		return true
	}
	words := wordsOf(name)
	if len(words) == 0 {
		return false
	}
	switch last := words[len(words)-1]; {
	case strings.HasPrefix(last, "licen"):
		first, _, _ := strings.Cut(strings.ToLower(value), " ")
		return slices.Contains(editions, first)
	case last == "file" || last == "path" || last == "dir":
		return strings.HasPrefix(value, "/") && placeValue.MatchString(value) && !looksSecret(value)
	}
	return false
}

// status are other ways to say something of a secret: its length, and the answer
// of a server.
var status = regexp.MustCompile(`^(?:[0-9]+ bytes|[1-5][0-9]{2} [A-Za-z].*)$`)

// isStatus reports whether a value is nothing but words that say how it is with
// a secret: "not readable", "401 Unauthorized", "must be at least 8 characters".
func isStatus(value string) bool {
	value = strings.TrimSpace(value)
	if value == "" || len(value) > 200 {
		return false
	}
	if status.MatchString(value) {
		return true
	}
	said := false
	for w := range strings.FieldsSeq(value) {
		w = strings.ToLower(strings.Trim(w, ".,:;()"))
		if slices.Contains(statusWords, w) {
			said = true
		} else if len(w) > 10 || strings.Trim(w, "0123456789-") != "" {
			return false
		}
	}
	return said
}

// expansion is what a shell or a template replaces by a value.
var expansion = regexp.MustCompile(`^(?:\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\$\(.*|<[a-z -]+>|<set to the key '.*|(?:[a-z0-9.-]+-)?token-[a-z0-9]{5}|%[svqd])$`)

// plain reports whether s gives nothing away, whatever its name.
func plain(s string) bool {
	t := strings.Trim(strings.TrimSpace(s), "`")
	if expansion.MatchString(t) {
		return true
	}
	switch strings.ToLower(t) {
	case "", "true", "false", "null", "~", Mask:
		return true
	}
	// What hints and usages have in the place of a value.
	switch t {
	case "…", "...", "FILE", "KEY", "NAME", "PASSWORD", "SECRET", "TOKEN", "URL", "VALUE", "USER", "***":
		return true
	}
	return false
}
