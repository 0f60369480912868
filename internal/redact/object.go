package redact

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// Values is a copy of values without secrets; nil gives an empty map. See
// [Object].
func Values(values map[string]any) map[string]any { return new(walker).redactMap("", values) }

// Certain is [Values] that hides only what is a secret by its name or its look:
// for comparing settings by a digest, in which an unknown variable has to count
// and a password must not.
func Certain(values map[string]any) map[string]any {
	return (&walker{lenient: true}).redactMap("", values)
}

// Object is [Redactor.Object] of one that knows no values.
func Object(v any) any { return new(walker).redactValue("", v) }

// Text is [Redactor.Text] of one that knows no values.
func Text(s string) string { return new(walker).redactText(s) }

// FindSecrets is what [Object] takes out of v, as it stands there; of a text of
// several lines also each line.
func FindSecrets(v any) []string {
	w := new(walker)
	w.redactValue("", v)
	return w.found
}

func (w *walker) redactValue(key string, v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		return w.redactString(key, v)
	case json.Number:
		return w.redactNumber(key, v.String(), v)
	case map[string]any:
		return w.redactMap(key, v)
	case []any:
		return w.redactList(key, v)
	}
	return w.redactOther(key, v)
}

// redactOther handles what decoders of other libraries make.
func (w *walker) redactOther(key string, v any) any {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Map:
		m := make(map[string]any, rv.Len())
		for it := rv.MapRange(); it.Next(); {
			m[fmt.Sprint(it.Key().Interface())] = it.Value().Interface()
		}
		return w.redactMap(key, m)
	case reflect.Slice, reflect.Array:
		if rv.Type().Elem().Kind() == reflect.Uint8 {
			return Mask // nobody knows what bytes are
		}
		list := make([]any, rv.Len())
		for i := range list {
			list[i] = rv.Index(i).Interface()
		}
		return w.redactList(key, list)
	case reflect.String:
		if s := w.redactString(key, rv.String()); s != rv.String() {
			return s
		}
	default:
		return w.redactNumber(key, fmt.Sprint(v), v)
	}
	return v
}

// redactNumber masks a number that is a secret: "maxTokens: 5" is a setting,
// "password: 12345678" is not.
func (w *walker) redactNumber(key, text string, v any) any {
	if IsSecretName(key) && !isPluralName(key) || w.known.maskKnown(text) == Mask {
		return w.maskSecret(text)
	}
	return v
}

func (w *walker) redactMap(key string, m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	kind, _ := m["kind"].(string)
	name := nameIn(m)
	variables, below := holdsEnv(key) && name == "", IsSecretName(key)
	for k, e := range m {
		k := w.known.maskKnown(k)
		switch {
		case kind == "CustomResourceDefinition" && k == "spec":
			out[k] = e // the vendor's words, and a backup has to serve
		case kind == "Secret" && (k == "data" || k == "stringData"):
			out[k] = w.secretData(e, k == "data")
		case strings.EqualFold(k, "value"):
			out[k] = w.valueBeside(key, name, e)
		case below && isText(e) && !describes(k):
			out[k] = w.redactValue(key, e) // as in "passwords: {bob: …}"
		case variables && isScalar(e):
			out[k] = w.variable(k, e)
		case variables && k != "valueFrom":
			out[k] = w.redactValue(k+"_env", e) // as in "env: {secret: {NAME: value}}"
		default:
			out[k] = w.redactValue(k, e)
		}
	}
	return out
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
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
	return w.redactValue(key, v)
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
	k := normalizeName(key)
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
		return w.maskSecret(fmt.Sprint(v))
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

func (w *walker) redactList(key string, list []any) []any {
	if holdsArgs(key) {
		return w.args(list)
	}
	out := make([]any, len(list))
	flag := ""
	for i, e := range list {
		s, isText := e.(string)
		if isText && flag != "" && s != "" && s != Mask {
			out[i], flag = w.maskSecret(s), ""
			continue
		}
		out[i], flag = w.redactValue(key, e), ""
		if strings.HasPrefix(s, "-") && !strings.ContainsAny(s, "= ") && IsSecretName(s) {
			flag = s
		}
	}
	return out
}

func (w *walker) redactString(key, s string) string {
	switch {
	case showable(key, s):
		return s
	case IsSecretName(key), strengthOf(key) == suspect && looksSecret(s), normalizeName(key) == "auth" && isLogin(s):
		return w.maskSecret(s)
	case holdsArgs(key):
		return w.script(s)
	}
	s = w.known.maskKnown(s)
	if identity.MatchString(key) {
		return w.named(s)
	}
	return w.redactText(s)
}

// identity is how fields are called that hold digests and identities.
var identity = regexp.MustCompile(`(?i)digest|checksum|sha256|hash$|uid|commit|revision|fingerprint|etag|imageid|containerid|resourceversion|systemuuid|machineid|bootid|signedby`)
