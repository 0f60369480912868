package upgrade

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const redacted = "[redacted]"

// shortest is the length below which a secret is not masked in texts: masking
// "x" would mask every x, and so give it away.
const shortest = 6

// masker takes secrets out of texts.
type masker struct{ replacer *strings.Replacer }

// newMasker knows every secret the run can come across: those in values, old
// and new, the license and the pull secrets.
func newMasker(in *plan.Inputs, looks ...*plan.Facts) masker {
	var secrets []string
	for _, c := range slices.Concat(in.Operator, in.Stores) {
		secrets = collect(secrets, "", c.Values)
	}
	for _, f := range append(looks, in.Facts) {
		secrets = append(secrets, factSecrets(f)...)
	}
	return maskerOf(secrets)
}

// maskerOf masks these texts, the longest first.
func maskerOf(secrets []string) masker {
	secrets = slices.DeleteFunc(secrets, func(s string) bool { return len(s) < shortest })
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, s := range slices.Compact(secrets) {
		pairs = append(pairs, s, redacted)
	}
	return masker{strings.NewReplacer(pairs...)}
}

func factSecrets(f *plan.Facts) []string {
	if f == nil {
		return nil
	}
	var secrets []string
	for _, r := range f.Releases {
		secrets = collect(secrets, "", r.Values)
	}
	if f.Operator != nil {
		secrets = collect(secrets, "", f.Operator.Values)
	}
	if f.License != nil {
		secrets = append(secrets, string(f.License.Token))
	}
	for _, s := range f.Secrets {
		secrets = append(secrets, string(s.Data))
	}
	return secrets
}

func (m masker) text(s string) string {
	if m.replacer == nil {
		return s
	}
	return token.ReplaceAllString(m.replacer.Replace(s), redacted)
}

func (m masker) error(err error) error {
	if err == nil {
		return nil
	}
	if text := m.text(err.Error()); text != err.Error() {
		return &maskedError{text, err}
	}
	return err
}

// collect gathers the texts below keys that name secrets.
func collect(found []string, key string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			found = collect(found, k, e)
		}
		if s, ok := v["value"].(string); ok && secretName(nameOf(v)) {
			found = append(found, s)
		}
	case []any:
		for _, e := range v {
			found = collect(found, key, e)
		}
	case string:
		if secretName(key) {
			found = append(found, v)
		}
		for _, m := range assignment.FindAllStringSubmatch(v, -1) {
			found = append(found, strings.Trim(m[2], `"'`))
		}
	}
	return found
}

// redact is a copy of v without secrets: below keys that name them, in the
// value of an environment variable of such a name, in assignments inside
// texts, and whatever is shaped like a token.
func redact(key string, v any) any {
	switch v := v.(type) {
	case images.Object:
		return redact(key, map[string]any(v))
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = redact(k, e)
		}
		if s, ok := v["value"].(string); ok && s != "" && secretName(nameOf(v)) {
			out["value"] = redacted
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = redact(key, e)
		}
		return out
	case string:
		if v != "" && secretName(key) {
			return redacted
		}
		return token.ReplaceAllString(assignment.ReplaceAllString(v, "${1}"+redacted), redacted)
	}
	return v
}

// The patterns are constants in all but name: Go has none of this type.
var (
	// assignment finds `export MINIO_ROOT_PASSWORD="x"` and `password: x`
	// inside multi-line texts such as config.env.
	assignment = regexp.MustCompile(`(?im)([a-z0-9_.-]*(?:password|passwd|passphrase|secret_?key|access_?key|api_?key|private_?key|root_user|license|token|credential)[a-z0-9_]*["']?[ \t]*[=:][ \t]*)("[^"\n]*"|'[^'\n]*'|[^\s"']+)`)
	// token finds a JSON web token, also one in base64.
	token = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|ZXlK[A-Za-z0-9+/=_-]{24,}`)
)

// secretName reports whether a key or variable of this name holds a secret.
// Names of Secrets ("existingSecret", "imagePullSecret") are none.
func secretName(name string) bool {
	n := strings.NewReplacer("_", "", "-", "", ".", "").Replace(strings.ToLower(name))
	if strings.HasSuffix(n, "name") {
		return false
	}
	for _, word := range []string{"password", "passwd", "passphrase", "license", "credential", "rootuser", "dockerconfigjson"} {
		if strings.Contains(n, word) {
			return true
		}
	}
	for _, end := range []string{"secretkey", "accesskey", "apikey", "privatekey", "token", "licensekey", "tlskey"} {
		if strings.HasSuffix(n, end) {
			return true
		}
	}
	return false
}

func nameOf(m map[string]any) string {
	s, _ := m["name"].(string)
	return s
}
