package plan

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// Redact is a copy of values with everything secret replaced by [Redacted]:
// what stands below keys that [HoldsSecret] knows, in the value of an
// environment variable of such a name, after a flag of such a name, in a
// Secret's data, and whatever [RedactText] finds in texts. The values
// themselves are not changed; nil gives an empty map.
func Redact(values map[string]any) map[string]any {
	return new(redactor).object("", values)
}

// RedactValue is [Redact] for anything a YAML or JSON document can hold. Maps
// and lists of other types come back as map[string]any and []any.
func RedactValue(v any) any { return new(redactor).value("", v) }

// RedactText is s without its secrets: assignments to names that [HoldsSecret]
// knows as shells, YAML, JSON and flags write them, blocks in PEM that are no
// certificates, what stands before the @ of URLs, and tokens by their shape.
// Applying it twice changes nothing more.
func RedactText(s string) string { return new(redactor).text(s) }

// Secrets is what [Redact] takes out of v, as it stands there; of a text of
// several lines also each line. It is for taking the same secrets out of texts
// that don't name them.
func Secrets(v any) []string {
	r := new(redactor)
	r.value("", v)
	return r.found
}

// redactor collects what it takes out.
type redactor struct{ found []string }

func (r *redactor) mask(secret string) string {
	secret = strings.TrimSpace(secret)
	r.found = append(r.found, secret)
	if strings.Contains(secret, "\n") {
		for line := range strings.Lines(secret) {
			r.found = append(r.found, strings.TrimSpace(line))
		}
	}
	return Redacted
}

func (r *redactor) value(key string, v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		return r.str(key, v)
	case map[string]any:
		return r.object(key, v)
	case images.Object:
		return r.object(key, v)
	case []any:
		return r.list(key, v)
	}
	return r.other(key, v)
}

// other handles what decoders of other libraries make.
func (r *redactor) other(key string, v any) any {
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Map:
		m := make(map[string]any, rv.Len())
		for it := rv.MapRange(); it.Next(); {
			m[fmt.Sprint(it.Key().Interface())] = it.Value().Interface()
		}
		return r.object(key, m)
	case reflect.Slice, reflect.Array:
		if rv.Type().Elem().Kind() == reflect.Uint8 {
			return Redacted // nobody knows what bytes are
		}
		list := make([]any, rv.Len())
		for i := range list {
			list[i] = rv.Index(i).Interface()
		}
		return r.list(key, list)
	case reflect.String:
		if s := r.str(key, rv.String()); s != rv.String() {
			return s
		}
	default:
		// "maxTokens: 5" is a setting, "password: 12345678" is not.
		if HoldsSecret(key) && !plural(key) {
			return r.mask(fmt.Sprint(v))
		}
	}
	return v
}

func (r *redactor) object(key string, m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	kind, _ := m["kind"].(string)
	for k, e := range m {
		switch {
		case kind == "CustomResourceDefinition" && k == "spec":
			out[k] = e // the vendor's words, and a backup has to serve
		case kind == "Secret" && (k == "data" || k == "stringData"):
			out[k] = r.all(e)
		case k == "value":
			out[k] = r.value(valueOf(key, m), e)
		default:
			out[k] = r.value(k, e)
		}
	}
	return out
}

// valueOf is the name under which a map's "value" stands: that of the variable
// it defines, else the key of the map itself.
func valueOf(key string, m map[string]any) string {
	for _, k := range []string{"name", "key"} {
		if s, ok := m[k].(string); ok && HoldsSecret(s) {
			return s
		}
	}
	return key
}

// all masks everything below a Secret's data, and keeps its keys.
func (r *redactor) all(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		if v == nil || v == "" || v == Redacted {
			return v
		}
		return r.mask(fmt.Sprint(v))
	}
	out := make(map[string]any, len(m))
	for k, e := range m {
		out[k] = r.all(e)
	}
	return out
}

func (r *redactor) list(key string, list []any) []any {
	out := make([]any, len(list))
	flag := ""
	for i, e := range list {
		s, isText := e.(string)
		if isText && flag != "" && s != "" && s != Redacted {
			out[i], flag = r.mask(s), ""
			continue
		}
		out[i], flag = r.value(key, e), ""
		if strings.HasPrefix(s, "-") && !strings.ContainsAny(s, "= ") && HoldsSecret(s) {
			flag = s
		}
	}
	return out
}

func (r *redactor) str(key, s string) string {
	switch {
	case plain(s):
		return s
	case HoldsSecret(key), bare(key) == "auth" && isLogin(s):
		return r.mask(s)
	}
	if doc, ok := r.json(s); ok {
		return doc
	}
	return r.text(s)
}

// plain reports whether s gives nothing away, whatever its name.
func plain(s string) bool {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "true", "false", "null", "~", Redacted:
		return true
	}
	return false
}

// isLogin reports whether s is user:password in base64, as registries want it.
func isLogin(s string) bool {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	return err == nil && strings.Contains(string(b), ":")
}

// json redacts a whole document in JSON by its structure; ok is false where s
// is none, or the structure shows no secret.
func (r *redactor) json(s string) (doc string, ok bool) {
	t := strings.TrimSpace(s)
	if t == "" || t[0] != '{' && t[0] != '[' {
		return "", false
	}
	d := json.NewDecoder(strings.NewReader(t))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return "", false
	}
	before := len(r.found)
	v = r.value("", v)
	if len(r.found) == before {
		return "", false
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return Redacted, true
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}
