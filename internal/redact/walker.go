package redact

import "strings"

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
	shown := w.redactText(value)
	switch {
	case shown == value && looksSecret(value):
		return w.maskSecret(value)
	case w.lenient:
		return shown
	}
	return w.hide()
}

func (w *walker) maskSecret(secret string) string {
	secret = strings.TrimSpace(secret)
	w.found = append(w.found, secret)
	if strings.Contains(secret, "\n") {
		for line := range strings.Lines(secret) {
			w.found = append(w.found, strings.TrimSpace(line))
		}
	}
	return w.hide()
}
