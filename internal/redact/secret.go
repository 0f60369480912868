package redact

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// SecretsIn are the secrets in one entry of a Secret: all of it, and the single
// ones where it is a document. Certificates are public.
func SecretsIn(key, value string) []string {
	trimmed := strings.TrimSpace(value)
	if label := pem.FindStringSubmatch(trimmed); label != nil && public(label[1]) && !strings.Contains(trimmed, "PRIVATE KEY") {
		return nil
	}
	if logins := dockerLogins(trimmed); logins != nil {
		return logins
	}
	if doc := document(trimmed); doc != nil {
		list := FindSecrets(doc)
		if len(list) > 0 || !configFile.MatchString(key) || strings.Contains(trimmed, "\n") {
			list = append(list, trimmed) // a password may look like a document
		}
		return list
	}
	if !strings.Contains(trimmed, "\n") && !strings.Contains(trimmed, "=") {
		return []string{value}
	}
	list := FindSecrets(map[string]any{key: value})
	for line := range strings.Lines(value) {
		name, assigned, ok := strings.Cut(strings.TrimSpace(line), "=")
		name = strings.TrimPrefix(name, "export ")
		if assigned = strings.Trim(strings.TrimSpace(assigned), `"'`); ok && EnvValue(name, assigned) != assigned {
			list = append(list, assigned)
		}
	}
	if !strings.Contains(trimmed, "\n") {
		list = append(list, trimmed)
	}
	return list
}

// configFile is how entries are called that hold the settings of a program.
var configFile = regexp.MustCompile(`\.(?:ya?ml|json|conf|cfg|properties|toml|ini)$`)

// document is a value that is a map or a list in YAML or JSON; nil is another.
func document(value string) any {
	if !strings.ContainsAny(value, ":{[") {
		return nil
	}
	var doc any
	if yaml.Unmarshal([]byte(value), &doc) != nil {
		return nil
	}
	switch doc.(type) {
	case map[string]any, []any:
		return doc
	}
	return nil
}

// dockerLogins are the secrets in a docker configuration; nil where value is
// none.
func dockerLogins(value string) []string {
	var doc struct {
		Auths map[string]map[string]any `json:"auths"`
	}
	if json.Unmarshal([]byte(value), &doc) != nil || len(doc.Auths) == 0 {
		return nil
	}
	list := []string{}
	for _, entry := range doc.Auths {
		for key, v := range entry {
			text, _ := v.(string)
			if text == "" || key == "username" || key == "email" {
				continue
			}
			list = append(list, text)
			if login, err := base64.StdEncoding.DecodeString(text); key == "auth" && err == nil {
				_, password, _ := strings.Cut(string(login), ":")
				list = append(list, string(login), password)
			}
		}
	}
	return list
}
