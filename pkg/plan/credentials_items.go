package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// configEnv is the key of the Secret that spec.configuration names.
const configEnv = "config.env"

// rootVariables are those that decide the root login, with what people call
// them. The older names are read where the newer are missing.
var rootVariables = []struct{ part, name, older string }{
	{"user", "MINIO_ROOT_USER", "MINIO_ACCESS_KEY"},
	{"password", "MINIO_ROOT_PASSWORD", "MINIO_SECRET_KEY"},
	{"whether root may log in", "MINIO_API_ROOT_ACCESS", ""},
}

// secretReferences are the Secrets that an ObjectStore names, by the path that
// names each.
func secretReferences(o images.Object) map[string]string {
	refs := map[string]string{}
	add := func(at, name string) {
		if name != "" {
			refs[at] = name
		}
	}
	add("configuration", images.NestedString(o, "spec", "configuration", "name"))
	add("kes.kesSecret", images.NestedString(o, "spec", "kes", "kesSecret", "name"))
	for _, e := range environmentOf(o) {
		if isCredentialVariable(e.name) {
			add("env."+e.name, e.secret)
		}
	}
	for at, name := range certificateReferences(o) {
		add(at, name)
	}
	return refs
}

// certificateReferences are the Secrets with certificates and keys.
func certificateReferences(o images.Object) map[string]string {
	spec, _ := o["spec"].(map[string]any)
	kes, _ := spec["kes"].(map[string]any)
	refs := map[string]string{}
	namesBelow(refs, "certificates", spec["certificates"])
	for _, k := range []string{"externalCertSecret", "externalClientCertSecret", "externalClientCertSecrets", "externalCaCertSecret"} {
		namesBelow(refs, k, spec[k])
	}
	for _, k := range []string{"externalCertSecret", "clientCertSecret", "trustedCAs"} {
		namesBelow(refs, "kes."+k, kes[k])
	}
	return refs
}

func namesBelow(into map[string]string, at string, v any) {
	switch v := v.(type) {
	case map[string]any:
		if name, ok := v["name"].(string); ok {
			into[at] = name
		}
		for k, e := range v {
			namesBelow(into, at+"."+k, e)
		}
	case []any:
		for i, e := range v {
			namesBelow(into, fmt.Sprintf("%s[%d]", at, i), e)
		}
	}
}

// environmentVariable is one of spec.env.
type environmentVariable struct{ name, value, secret, key, other string }

func environmentOf(o images.Object) []environmentVariable {
	spec, _ := o["spec"].(map[string]any)
	list, _ := spec["env"].([]any)
	var out []environmentVariable
	for _, e := range list {
		m, _ := e.(map[string]any)
		name, _ := m["name"].(string)
		value, _ := m["value"].(string)
		from, _ := m["valueFrom"].(map[string]any)
		ref, _ := from["secretKeyRef"].(map[string]any)
		v := environmentVariable{name: name, value: value}
		v.secret, _ = ref["name"].(string)
		v.key, _ = ref["key"].(string)
		if from != nil && ref == nil {
			v.other = fmt.Sprint(from) // a ConfigMap, a field of the pod
		}
		out = append(out, v)
	}
	return out
}

func isCredentialVariable(name string) bool {
	return strings.HasPrefix(name, "MINIO_KMS_") || slices.ContainsFunc(rootVariables, func(r struct{ part, name, older string }) bool {
		return name == r.name || name == r.older
	})
}

// items are an ObjectStore's credentials by a name that is the same before and
// after.
func (s *storeCredentials) items(o images.Object, read readSecret) map[string]credentialItem {
	items := map[string]credentialItem{}
	if s.next == nil {
		return items
	}
	s.variables(items, o, read)
	if name := images.NestedString(o, "spec", "kes", "kesSecret", "name"); name != "" {
		c := read(name)
		text := contentText(c)
		if config, ok := c.data["server-config.yaml"]; ok && len(c.data) == 1 {
			text = config
		}
		items["kes"] = credentialItem{kind: CredentialKES, secret: name, state: c.state, text: text}
	}
	for at, name := range certificateReferences(o) {
		c := read(name)
		items["certificate "+at] = credentialItem{kind: CredentialCertificate, part: at, secret: name, state: c.state, text: contentText(c)}
	}
	return items
}

// variables are the root login and the keys for encryption: what config.env
// sets wins over the container's own environment.
func (s *storeCredentials) variables(items map[string]credentialItem, o images.Object, read readSecret) {
	vars := map[string]credentialItem{}
	for _, e := range environmentOf(o) {
		if isCredentialVariable(e.name) {
			vars[e.name] = e.item(read)
		}
	}
	config := images.NestedString(o, "spec", "configuration", "name")
	var c secretContent
	if config != "" {
		c = read(config)
		for name, value := range configVariables(c.data[configEnv]) {
			vars[name] = credentialItem{secret: config, text: []byte(value)}
		}
	}
	for _, r := range rootVariables {
		item, ok := vars[r.name]
		if !ok && r.older != "" {
			item, ok = vars[r.older]
		}
		switch {
		case !ok && config != "" && r.older != "":
			item = credentialItem{secret: config, state: c.state}
			if c.state == credentialPresent && c.data != nil {
				item.state = credentialAbsent
			}
		case !ok:
			item = credentialItem{secret: config} // neither says anything: the server's default
		}
		if item.kind, item.part = CredentialRoot, r.part; r.older == "" {
			item.text = onOff(item.text)
		}
		items[r.part] = item
		delete(vars, r.name)
		delete(vars, r.older)
	}
	for name, item := range vars {
		switch item.part = name; {
		case strings.HasPrefix(name, "MINIO_KMS_"):
			item.kind = CredentialKMS
		case redact.IsSecretName(name):
			item.kind = CredentialOther
		default:
			continue // a setting
		}
		items["variable "+name] = item
	}
}

// onOff is a switch that is on unless it says otherwise.
func onOff(text []byte) []byte {
	switch strings.ToLower(string(text)) {
	case "off", "false", "0", "disabled", "disable", "no":
		return []byte("off")
	}
	return []byte("on")
}

func (e environmentVariable) item(read readSecret) credentialItem {
	if e.secret == "" {
		return credentialItem{text: []byte(e.value + e.other)}
	}
	c := read(e.secret)
	item := credentialItem{secret: e.secret, state: c.state, text: c.data[e.key]}
	if _, ok := c.data[e.key]; !ok && c.data != nil && c.state == credentialPresent {
		item.state = credentialAbsent
	}
	return item
}

// RootSecret is the name of the Secret that objects' store takes its root login
// from, empty where that is not told.
func RootSecret(objects []images.Object, store string) string {
	o := images.FindObject(objects, "ObjectStore", store)
	if name := images.NestedString(o, "spec", "configuration", "name"); name != "" {
		return name
	}
	for _, e := range environmentOf(o) {
		if e.name == rootVariables[0].name {
			return e.secret
		}
	}
	return ""
}

// RootLogin is what rendered objects hold as a store's root user (setting
// "accessKey") or password ("secretKey"), never to be shown; known is false
// where they don't hold it.
func RootLogin(objects []images.Object, namespace, store, setting string) (text string, known bool) {
	s := &storeCredentials{facts: &Facts{}, change: Change{Namespace: namespace, Store: store}, namespace: namespace}
	if s.next = images.FindObject(objects, "ObjectStore", store); s.next != nil {
		s.namespace = KeyOf(s.next, namespace).Namespace
	}
	part := map[string]string{"accessKey": "user", "secretKey": "password"}[setting]
	item := s.items(s.next, func(name string) secretContent { return contentOf(s.manifestSecret(objects, name)) })[part]
	return string(item.text), part != "" && item.state == credentialPresent && len(item.text) > 0
}
