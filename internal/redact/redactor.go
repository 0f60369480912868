package redact

import (
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// Mask stands where a secret was. It is the same for all of them: neither the
// length nor a digest of a secret is shown.
const Mask = "[redacted]"

// Redactor knows secrets by their values and takes them out of everything that
// passes it, beside what names and shapes give away. It is safe for concurrent
// use. A nil Redactor knows no values.
type Redactor struct {
	mu sync.RWMutex
	// values are the secrets, and kept the names that stay readable even where a
	// Secret holds the same word.
	values, kept map[string]bool
	// matcher finds the values; nil where it has to be built.
	matcher *matcher
}

// New returns a Redactor that knows no values yet.
func New() *Redactor {
	return &Redactor{values: map[string]bool{}, kept: map[string]bool{}}
}

// AddValue teaches secrets. Of a text of several lines each line is one too.
// What is too short or too common to be taken out of texts without destroying
// them is left: see [searchable].
func (r *Redactor) AddValue(values ...string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, v := range values {
		for _, part := range valueLines(v) {
			if isSearchable(part) && !r.values[part] {
				r.values[part], r.matcher = true, nil
			}
		}
	}
}

// KeepNames names what stays readable whatever is learned: names of namespaces,
// releases and object stores. A secret that is the same word could not be
// hidden by hiding the name everywhere.
func (r *Redactor) KeepNames(names ...string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range names {
		if n = lowerCase(n); n != "" && !r.kept[n] {
			r.kept[n], r.matcher = true, nil
		}
	}
}

// AddSecret teaches everything that a Secret holds but its certificates, and
// the single secrets within documents: what a configuration assigns, the logins
// of a docker configuration.
func (r *Redactor) AddSecret(s *corev1.Secret) {
	if r == nil {
		return
	}
	r.KeepNames(s.Name, s.Namespace)
	for key, value := range s.Data {
		r.AddValue(SecretsIn(key, string(value))...)
	}
	for key, value := range s.StringData {
		r.AddValue(SecretsIn(key, value)...)
	}
}

// AddObject teaches what [Redactor.Object] would hide in v because of the name
// above it, so that it is hidden also where nothing names it.
func (r *Redactor) AddObject(v any) {
	if r != nil {
		r.AddValue(FindSecrets(v)...)
	}
}

// AddText teaches the secrets in a text that a user gave, such as a values file:
// those of the document that it is, or that its lines assign.
func (r *Redactor) AddText(text string) {
	w := new(walker)
	if doc := document(text); doc != nil {
		w.redactValue("", doc)
	} else {
		w.redactText(text)
	}
	r.AddValue(w.found...)
}

// AddDockerConfig teaches the logins of a docker configuration.
func (r *Redactor) AddDockerConfig(doc []byte) { r.AddValue(dockerLogins(string(doc))...) }

// AddPodSpec teaches the secrets in the variables and command lines of a pod.
func (r *Redactor) AddPodSpec(spec *corev1.PodSpec) {
	if r == nil {
		return
	}
	w := new(walker)
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for _, c := range list {
			for _, e := range c.Env {
				if e.Value != "" {
					w.env(e.Name, e.Value)
				}
			}
			for _, words := range [][]string{c.Command, c.Args} {
				line := make([]any, len(words))
				for i, s := range words {
					line[i] = s
				}
				w.args(line)
			}
		}
	}
	r.AddValue(w.found...)
}

// Known is s without the values that are known, for documents of which every
// field is redacted already: it leaves their syntax as it is.
func (r *Redactor) Known(s string) string { return r.currentMatcher().maskKnown(s) }

// Text is s without secrets. Applying it twice changes nothing more.
func (r *Redactor) Text(s string) string {
	return Text(r.currentMatcher().maskKnown(s))
}

// Object is a copy of what a YAML or JSON document can hold, without secrets.
// Maps and lists of other types come back as map[string]any and []any.
func (r *Redactor) Object(v any) any {
	return (&walker{known: r.currentMatcher()}).redactValue("", v)
}

// Error is err with its text redacted; errors.Is and errors.As see through it.
func (r *Redactor) Error(err error) error {
	if err == nil {
		return nil
	}
	text := r.Text(err.Error())
	if text == err.Error() {
		return err
	}
	return message.Mask(err, r.Text)
}

// currentMatcher finds all values that are known at this moment.
func (r *Redactor) currentMatcher() *matcher {
	if r == nil {
		return nil
	}
	r.mu.RLock()
	m := r.matcher
	r.mu.RUnlock()
	if m != nil {
		return m
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.matcher == nil {
		var values []string
		for v := range r.values {
			if !r.kept[lowerCase(v)] {
				values = append(values, v)
			}
		}
		r.matcher = newMatcher(values)
	}
	return r.matcher
}

// valueLines are a value and, where it has several lines, each of them: a log shows
// them one by one.
func valueLines(value string) []string {
	value = strings.TrimSpace(value)
	if len(value) > longest {
		var list []string
		for line := range strings.Lines(value) {
			line = strings.TrimSpace(line)
			for len(line) > longest {
				list, line = append(list, line[:longest]), line[longest:]
			}
			list = append(list, line)
		}
		return list
	}
	list := []string{value}
	if strings.Contains(value, "\n") {
		for line := range strings.Lines(value) {
			list = append(list, strings.TrimSpace(line))
		}
	}
	return list
}
