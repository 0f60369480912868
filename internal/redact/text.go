package redact

import (
	"encoding/base64"
	"regexp"
	"strings"
)

// The patterns are constants in all but name: Go has none of this type.
var (
	// shaped finds JSON web tokens, also in base64, and bearers.
	shaped = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*|ZXlK[A-Za-z0-9+/=_-]{24,}`)
	bearer = regexp.MustCompile(`(?i)\b(bearer[ \t]+)([A-Za-z0-9._~+/=-]{16,})`)
	// pem finds a block, also one that was cut off.
	pem        = regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]*)-----.*?(?:-----END [A-Z0-9 ]*-----|\z)`)
	encodedPEM = regexp.MustCompile(`LS0tLS1CRUdJTi[A-Za-z0-9+/=]*`)
	// assigned finds a name and whatever makes the rest its value.
	assigned = regexp.MustCompile(`([A-Za-z_.-][A-Za-z0-9_.-]*)(\\*["'])?[ \t]*(:=|=>|[:=])[ \t]*`)
	// flagged finds a flag before a value of its own word.
	flagged = regexp.MustCompile(`(--[A-Za-z][A-Za-z0-9_.-]*)()([ \t]+)`)
	// variable finds name and value of an environment variable.
	variable = regexp.MustCompile(`(?i)\b(?:name|key)\\*["']?[ \t]*:[ \t]*\\*["']?([A-Za-z0-9_.-]+)(\\*["'])?[ \t]*,?(?:[ \t]*\r?\n[ \t+-]*|[ \t]*)\\*["']?value\\*["']?[ \t]*(:)[ \t]*`)
	// leading is what may stand before a name that begins a line.
	leading = regexp.MustCompile(`^[ \t+\-#>]*(?:(?:export|set|declare -x)[ \t]+)?(?:\\*["'])?$`)
	// entry is a line of YAML with a key of its own.
	entry = regexp.MustCompile(`^[ \t+\-]*["']?[A-Za-z0-9_./-]+["']?[ \t]*:(?:[ \t]|$)`)
	block = regexp.MustCompile(`^[|>][0-9+-]*[ \t]*(?:#.*)?\r?$`)
)

func (w *walker) text(s string) string {
	s = pem.ReplaceAllStringFunc(s, func(hit string) string {
		if public(pem.FindStringSubmatch(hit)[1]) {
			return hit
		}
		return w.mask(hit)
	})
	s = encodedPEM.ReplaceAllStringFunc(s, func(hit string) string {
		head, _ := base64.StdEncoding.DecodeString(hit[:min(len(hit), 64)/4*4])
		if label := pem.FindSubmatch(head); label != nil && public(string(label[1])) {
			return hit
		}
		return w.mask(hit)
	})
	s = w.logins(s)
	s = w.assignments(s, variable)
	s = w.assignments(s, assigned)
	s = w.assignments(s, flagged)
	s = bearer.ReplaceAllStringFunc(s, func(hit string) string {
		m := bearer.FindStringSubmatch(hit)
		return m[1] + w.mask(m[2])
	})
	return shaped.ReplaceAllStringFunc(s, w.mask)
}

// public reports whether a block of this label is for everybody to see.
func public(label string) bool {
	return strings.HasSuffix(label, "CERTIFICATE") || strings.HasSuffix(label, "PUBLIC KEY") ||
		strings.HasSuffix(label, "CERTIFICATE REQUEST") || strings.HasSuffix(label, "CRL")
}

// assignments masks the values that a pattern finds behind names of secrets.
func (w *walker) assignments(s string, pattern *regexp.Regexp) string {
	var out strings.Builder
	for at := 0; at < len(s); {
		m := pattern.FindStringSubmatchIndex(s[at:])
		if m == nil {
			out.WriteString(s[at:])
			break
		}
		for i := range m {
			m[i] += at
		}
		a := assignment{all: s, name: m[2], quoted: m[4] >= at && m[5] > m[4], sep: s[m[6]:m[7]], value: m[1], variable: pattern == variable}
		next := m[1]
		if IsSecretName(s[m[2]:m[3]]) && !a.foreign() {
			if from, to := a.extent(); to > from && !plain(s[from:to]) {
				out.WriteString(s[at:from])
				out.WriteString(w.mask(s[from:to]))
				at = to
				continue
			}
		}
		out.WriteString(s[at:next])
		at = next
	}
	return out.String()
}
