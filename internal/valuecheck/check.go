package valuecheck

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/values"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Input is what [Check] checks.
type Input struct {
	// Values are all together, as they would be rendered.
	Values map[string]any
	// Sources are the files that Values come from, in Helm's order; none where
	// they are a release's own.
	Sources []values.Source
	// Set are the settings of the command line alone.
	Set map[string]any
	// Installed are the values that the release has. A word that asks to be
	// replaced may stay where nobody replaced it at installation either.
	Installed map[string]any
	// Login is the live root login by setting, accessKey and secretKey, as far
	// as it is known. What is in use may stay as it is.
	Login map[string]string
	// Literal are settings, in dotted form, whose text is the value itself.
	Literal []string
}

// Finding is one setting that is not final.
type Finding struct {
	Path values.Path
	// Within is the setting inside a text that has settings of its own.
	Within string
	Form   Form
	// File and Line say where it stands; File is empty where no file has it.
	File string
	Line int
	// Set says that the command line gives it.
	Set bool

	// text is without white space around it, and raw as it stands there. Both
	// are secret.
	text, raw string
}

// Name is the setting's, as --literal-value takes it.
func (f Finding) Name() string { return f.Path.String() }

// Accepted are texts that somebody said are values, never to be shown.
type Accepted []string

// mostLocated is how many findings have their lines looked up.
const mostLocated = 50

// Check finds the settings that are not final, in the order of their names,
// and the texts that Literal or Installed allow.
func Check(in Input) ([]Finding, Accepted) {
	w := &walker{recognizer: newRecognizer()}
	w.walk(setting, nil, in.Values)
	var list []Finding
	var accepted Accepted
	locate := in.locator()
	for _, f := range w.found {
		if slices.Contains(in.Literal, f.Name()) || f.Form.Kind == FillIn && sameText(in.Installed, f) || f.Form.Kind == Spaced && in.inUse(f) {
			accepted = append(accepted, f.text)
			continue
		}
		if len(list) < mostLocated {
			locate(&f)
		}
		list = append(list, f)
	}
	return list, accepted
}

// locator says where findings stand, and how they are written in a file: the
// text is empty where no file has them, or it has them in quotes. It parses the
// files once, and only where there is a finding.
func (in Input) locator() func(f *Finding) (written string) {
	parsed := sync.OnceValue(func() *values.Located { return values.Parse(in.Sources) })
	return func(f *Finding) string {
		if _, f.Set = values.Get(in.Set, f.Path...); f.Set {
			return ""
		}
		s, line, written := parsed().Find(f.Path)
		if s != nil {
			f.File, f.Line = s.Label(), line
		}
		return written
	}
}

func sameText(installed map[string]any, f Finding) bool {
	return strings.TrimSpace(values.GetString(installed, f.Path...)) == f.text
}

// CheckRendered finds credentials in rendered Secrets that are not final,
// except for accepted texts and for words that ask to be replaced which the
// objects before hold too.
func CheckRendered(objects, before []images.Object, accepted Accepted) []Finding {
	r := newRecognizer()
	was := renderedFindings(r, before)
	return slices.DeleteFunc(renderedFindings(r, objects), func(f Finding) bool {
		same := func(o Finding) bool { return o.Name() == f.Name() && o.Within == f.Within && o.text == f.text }
		return slices.Contains(accepted, f.text) || f.Form.Kind == FillIn && slices.ContainsFunc(was, same)
	})
}

func renderedFindings(r *recognizer, objects []images.Object) []Finding {
	var list []Finding
	for _, o := range objects {
		if images.NestedString(o, "kind") != "Secret" {
			continue
		}
		for _, key := range secretKeys(o) {
			at := values.Path{"Secret/" + images.NestedString(o, "metadata", "name"), key}
			w := &walker{recognizer: r, secretsOnly: true}
			w.secretText(at, key, secretText(o, key))
			list = append(list, w.found...)
		}
	}
	return list
}

// secretText checks one key of a Secret: a file of variables, a document, or
// the credential itself.
func (w *walker) secretText(at values.Path, key, text string) {
	var doc map[string]any
	switch pairs := environmentFile(text); {
	case len(pairs) > 0:
		for _, pair := range pairs {
			p := freeText
			if redact.IsSecretName(pair[0]) {
				p = credential
			}
			n := len(w.found)
			if w.text(p, pair[0], at, pair[1]); len(w.found) > n {
				w.found[n].Within = pair[0]
			}
		}
	case strings.Contains(text, ":") && yaml.Unmarshal([]byte(text), &doc) == nil && len(doc) > 0:
		p := setting
		if strings.HasPrefix(key, "server-config") {
			p = keyServer
		}
		inner := &walker{recognizer: w.recognizer, secretsOnly: true}
		inner.walk(p, nil, doc)
		for _, f := range inner.found {
			f.Within, f.Path = f.Path.String(), at
			w.found = append(w.found, f)
		}
	default:
		w.text(credential, key, at, text)
	}
}

// environmentFile are the variables of a text in which each line assigns one,
// as config.env does; nothing where it is none.
func environmentFile(text string) [][2]string {
	var pairs [][2]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "=")
		if !ok || strings.ContainsAny(name, " :{}<>$\"'") {
			return nil
		}
		pairs = append(pairs, [2]string{name, plan.Unquote(value)})
	}
	return pairs
}

func secretKeys(o images.Object) []string {
	keys := map[string]bool{}
	for _, field := range []string{"data", "stringData"} {
		m, _ := o[field].(map[string]any)
		for k := range m {
			keys[k] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// secretText is what a Secret holds under a key; stringData wins, as it does on
// the API server.
func secretText(o images.Object, key string) string {
	if m, _ := o["stringData"].(map[string]any); m != nil {
		if s, ok := m[key].(string); ok {
			return s
		}
	}
	m, _ := o["data"].(map[string]any)
	s, _ := m[key].(string)
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return s
	}
	return string(b)
}
