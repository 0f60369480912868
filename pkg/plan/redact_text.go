package plan

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
	// dsnLogin finds user:password@tcp(host), as databases are addressed.
	dsnLogin = regexp.MustCompile(`[^\s"'=/@:]+:\S+@((?:tcp|unix)\()`)
	// hostLogin finds user:password@host where no scheme stands in front, as in
	// the name of a registry. The errors of the programs take such passwords out
	// again (withoutPasswords of internal/cli) and let the user stand: an error is
	// about one address that the reader gave, so that more may be taken for a
	// password there. Here whole logs and values pass, the user goes too, and what
	// was hidden is remembered.
	hostLogin = regexp.MustCompile(`[A-Za-z0-9._%+-]+:[^\s"'@/,;(){}\[\]]+@[A-Za-z0-9]+`)
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

func (r *redactor) text(s string) string {
	s = pem.ReplaceAllStringFunc(s, func(hit string) string {
		if public(pem.FindStringSubmatch(hit)[1]) {
			return hit
		}
		return r.mask(hit)
	})
	s = encodedPEM.ReplaceAllStringFunc(s, func(hit string) string {
		head, _ := base64.StdEncoding.DecodeString(hit[:min(len(hit), 64)/4*4])
		if label := pem.FindSubmatch(head); label != nil && public(string(label[1])) {
			return hit
		}
		return r.mask(hit)
	})
	s = r.userinfo(s)
	s = dsnLogin.ReplaceAllStringFunc(s, func(hit string) string {
		at := strings.LastIndexByte(hit, '@')
		return r.mask(hit[:at]) + hit[at:]
	})
	if strings.Contains(s, "@") {
		s = hostLogin.ReplaceAllStringFunc(s, func(hit string) string {
			at := strings.LastIndexByte(hit, '@')
			if strings.HasPrefix(hit[at+1:], "sha") { // a tag before a digest
				return hit
			}
			r.mask(hit[strings.IndexByte(hit, ':')+1 : at])
			return r.mask(hit[:at]) + hit[at:]
		})
	}
	s = r.assignments(s, variable)
	s = r.assignments(s, assigned)
	s = r.assignments(s, flagged)
	s = bearer.ReplaceAllStringFunc(s, func(hit string) string {
		m := bearer.FindStringSubmatch(hit)
		return m[1] + r.mask(m[2])
	})
	return shaped.ReplaceAllStringFunc(s, r.mask)
}

// public reports whether a block of this label is for everybody to see.
func public(label string) bool {
	return strings.HasSuffix(label, "CERTIFICATE") || strings.HasSuffix(label, "PUBLIC KEY") ||
		strings.HasSuffix(label, "CERTIFICATE REQUEST") || strings.HasSuffix(label, "CRL")
}

// userinfo masks what stands before the @ of URLs. A digest after an @ belongs
// to the path, and so does a port's slash; a password may hold one unescaped.
func (r *redactor) userinfo(s string) string {
	var out strings.Builder
	for {
		i := strings.Index(s, "://")
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(s[:i+3])
		s = s[i+3:]
		end := strings.IndexAny(s, " \t\r\n\"'<>`")
		if end < 0 {
			end = len(s)
		}
		authority := s[:end]
		if j := strings.IndexAny(authority, "/?#"); j >= 0 && !loginBeyond(authority, j) {
			authority = authority[:j]
		}
		if at := strings.LastIndexByte(authority, '@'); at > 0 {
			if next := strings.Index(authority, "://"); next >= 0 { // a list of URLs
				at = strings.LastIndexByte(authority[:next], '@')
			}
			if at > 0 && authority[:at] != Redacted {
				r.mask(authority[:at])
				if _, password, ok := strings.Cut(authority[:at], ":"); ok {
					r.mask(password)
				}
				out.WriteString(Redacted)
				s = s[at:]
			}
		}
	}
}

// loginBeyond reports whether the first slash of a URL belongs to a password:
// what comes before is no host with a port, and an @ follows that no digest
// follows.
func loginBeyond(url string, slash int) bool {
	_, port, ok := strings.Cut(url[:slash], ":")
	if !ok || strings.Contains(url[:slash], "@") || strings.Trim(port, "0123456789") == "" {
		return false
	}
	_, after, ok := strings.Cut(url[slash:], "@")
	return ok && !strings.HasPrefix(after, "sha")
}

// assignments masks the values that a pattern finds behind names of secrets.
func (r *redactor) assignments(s string, pattern *regexp.Regexp) string {
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
		if HoldsSecret(s[m[2]:m[3]]) && !a.foreign() {
			if from, to := a.extent(); to > from && !plain(s[from:to]) {
				out.WriteString(s[at:from])
				out.WriteString(r.mask(s[from:to]))
				at = to
				continue
			}
		}
		out.WriteString(s[at:next])
		at = next
	}
	return out.String()
}
