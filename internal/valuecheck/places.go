package valuecheck

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
)

// place says what a setting is, and so which forms it cannot hold.
type place int

const (
	// setting is any that is nothing of the below.
	setting place = iota
	// credential is a password, key, token or license.
	credential
	// identifier is a name, host, path or image reference.
	identifier
	// variable is the value of an environment variable, in which the kubelet
	// expands $(NAME).
	variable
	// secretVariable is one that holds a credential.
	secretVariable
	// freeText is an annotation, a command or the like.
	freeText
	// keyServer is a setting in KES' own configuration, in which KES expands
	// ${NAME}.
	keyServer
)

// refused is the form for which a text cannot stay in a place.
func (r *recognizer) refused(p place, text string) Form {
	var f Form
	if p == freeText { // nothing but ciphertext counts, and there may be much of it
		if with := encryption([]byte(text)); with != "" || holdsCiphertext(text) {
			return Form{Kind: Encrypted, Name: "text that holds ciphertext"}
		}
		return f
	}
	if p == identifier {
		f = r.within(text)
	} else {
		f = r.recognize(text)
	}
	if f.Kind == None && p != identifier && holdsCiphertext(text) {
		f = Form{Kind: Encrypted, Name: "text that holds ciphertext"}
	}
	if f.Kind == None && p != keyServer {
		f = r.part(text)
	}
	var takes []Kind
	switch p {
	case setting:
		takes = []Kind{Masked, FillIn}
	case variable:
		takes = []Kind{Variable, Masked, FillIn}
	case secretVariable:
		takes = []Kind{Variable}
	}
	if slices.Contains(takes, f.Kind) || p == keyServer && environmentReference.MatchString(strings.TrimSpace(text)) {
		return Form{}
	}
	return f
}

// walker finds refused text in values.
type walker struct {
	*recognizer
	// secretsOnly leaves out everything but credentials: for text that has a
	// syntax of its own.
	secretsOnly bool
	found       []Finding
}

// text checks the text of a setting. name says what it is called where that
// is not the last of the path: variables have their names beside them.
func (w *walker) text(p place, name string, at values.Path, text string) {
	if w.secretsOnly && p != credential && p != keyServer {
		p = freeText
	}
	f := w.refused(p, text)
	if f.Kind == None && (p == credential || p == secretVariable) && redact.IsSecretName(name) {
		if f = w.recognizeCredential(name, text); f.Kind == None && !w.secretsOnly && spaced(name, text) {
			f = Form{Kind: Spaced, Name: spacedText}
		}
	}
	if f.Kind != None {
		w.found = append(w.found, Finding{Path: slices.Clone(at), Form: f, text: strings.TrimSpace(text), raw: text})
	}
}

func (w *walker) walk(p place, at values.Path, v any) {
	switch v := v.(type) {
	case string:
		w.text(p, lastOf(at), at, v)
	case []any:
		for i, e := range v {
			w.walk(p, child(at, strconv.Itoa(i)), e)
		}
	case map[string]any:
		w.object(p, at, v)
	}
}

func (w *walker) object(p place, at values.Path, m map[string]any) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		here := child(at, k)
		if f := w.part(k); p != freeText && !w.secretsOnly && f.Kind != None {
			f.Name = "a name with an unreplaced variable or template"
			w.found = append(w.found, Finding{Path: here, Form: f, text: k})
		}
		switch {
		case p == freeText:
			w.walk(p, here, m[k])
		case isManifests(k):
			w.manifests(here, m[k])
		case k == "configuration" && len(at) > 0 && at[len(at)-1] == "kes":
			w.keyServerConfiguration(here, m[k])
		case strings.HasSuffix(strings.ToLower(k), "env"):
			w.environment(here, m[k])
		default:
			w.walk(placeOf(p, k, m[k]), here, m[k])
		}
	}
}

// placeOf is the place of what stands below a key of a map in place p.
func placeOf(p place, key string, v any) place {
	lower := strings.ToLower(key)
	_, isText := v.(string)
	switch {
	case isText && redact.IsSecretName(key) && p != keyServer:
		return credential
	case strings.HasSuffix(lower, "annotations"), lower == "labels", lower == "lifecycle", lower == "command", lower == "args", lower == "exec":
		return freeText
	case p == keyServer, p == identifier:
		return p
	case slices.Contains([]string{"images", "name", "namespace", "namespaceoverride", "hostname", "host", "pathprefix", "registry", "repository", "image", "tag", "digest"}, lower):
		return identifier
	}
	return setting
}

func isManifests(key string) bool {
	return slices.Contains([]string{"extraResources", "extraObjects", "extraManifests"}, key)
}

// manifests are objects that the chart passes through its template engine, so
// that they may hold templates. What becomes of their Secrets is checked once
// they are rendered. Objects that SOPS encrypted are for an operator of its own.
func (w *walker) manifests(at values.Path, v any) {
	list, _ := v.([]any)
	for i, e := range list {
		here := child(at, strconv.Itoa(i))
		m, isMap := e.(map[string]any)
		text, _ := e.(string)
		if isMap && m["sops"] != nil || strings.Contains(text, "\nsops:") {
			continue
		}
		w.walk(freeText, here, e)
	}
}

// environment is a list of variables as pods have them, or a map.
func (w *walker) environment(at values.Path, v any) {
	list, ok := v.([]any)
	if !ok {
		w.walk(variable, at, v)
		return
	}
	for i, e := range list {
		here := child(at, strconv.Itoa(i))
		m, ok := e.(map[string]any)
		if !ok {
			w.walk(variable, here, e)
			continue
		}
		name, _ := m["name"].(string)
		p := variable
		if redact.IsSecretName(name) {
			p = secretVariable
		}
		if text, isText := m["value"].(string); isText {
			w.text(p, name, child(here, "value"), text)
		} else {
			w.walk(p, child(here, "value"), m["value"])
		}
		w.walk(identifier, child(here, "name"), m["name"])
		w.walk(setting, child(here, "valueFrom"), m["valueFrom"])
	}
}

// keyServerConfiguration is KES' configuration, as text or as a map.
func (w *walker) keyServerConfiguration(at values.Path, v any) {
	text, isText := v.(string)
	if !isText {
		w.walk(keyServer, at, v)
		return
	}
	var doc map[string]any
	if w.found = append(w.found, w.ciphertextIn(at, text)...); yaml.Unmarshal([]byte(text), &doc) != nil {
		return
	}
	inner := &walker{recognizer: w.recognizer, secretsOnly: true}
	inner.walk(keyServer, nil, doc)
	for _, f := range inner.found {
		if f.Form.Kind != Encrypted {
			f.Path, f.Within = at, f.Path.String()
			w.found = append(w.found, f)
		}
	}
}

func (w *walker) ciphertextIn(at values.Path, text string) []Finding {
	if f := w.refused(freeText, text); f.Kind != None {
		return []Finding{{Path: slices.Clone(at), Form: f, text: strings.TrimSpace(text)}}
	}
	return nil
}

func lastOf(at values.Path) string {
	if len(at) == 0 {
		return ""
	}
	return at[len(at)-1]
}

func child(at values.Path, elem string) values.Path { return append(slices.Clone(at), elem) }
