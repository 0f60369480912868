package redact

import (
	"regexp"
	"strings"
)

var (
	// dsnLogin finds user:password@tcp(host), as databases are addressed.
	dsnLogin = regexp.MustCompile(`[^\s"'=/@:]+:\S+@((?:tcp|unix)\()`)
	// hostLogin finds user:password@host where no scheme stands in front, as in
	// the name of a registry.
	hostLogin = regexp.MustCompile(`[A-Za-z0-9._%+-]+:[^\s"'@/,;(){}\[\]]+@[A-Za-z0-9]+`)
)

// logins masks what stands before the @ of addresses: the password, and where
// there is no password all of it. The user stays, since a reader has to know
// whose login is meant.
func (w *walker) logins(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
	var out strings.Builder
	for line := range strings.Lines(s) {
		if strings.Contains(line, "@") {
			line = w.lineLogins(line)
		}
		out.WriteString(line)
	}
	return out.String()
}

func (w *walker) lineLogins(s string) string {
	s = w.urlLogins(s)
	s = dsnLogin.ReplaceAllStringFunc(s, func(hit string) string {
		at := strings.LastIndexByte(hit, '@')
		return w.login(hit[:at]) + hit[at:]
	})
	return hostLogin.ReplaceAllStringFunc(s, func(hit string) string {
		at := strings.LastIndexByte(hit, '@')
		if strings.HasPrefix(hit[at+1:], "sha") { // a tag before a digest
			return hit
		}
		return w.login(hit[:at]) + hit[at:]
	})
}

// login masks what stands before an @.
func (w *walker) login(s string) string {
	user, password, ok := strings.Cut(s, ":")
	switch {
	case s == Mask || ok && (password == Mask || password == ""):
		return s
	case !ok || user == "":
		return w.mask(s)
	}
	w.mask(s)
	return user + ":" + w.mask(password)
}

// urlLogins are [walker.logins] of URLs. A digest after an @ belongs to the
// path, and so does a port's slash; a password may hold one unescaped.
func (w *walker) urlLogins(s string) string {
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
		if next := strings.Index(authority, "://"); next >= 0 { // a list of URLs
			authority = authority[:next]
		}
		if j := strings.IndexAny(authority, "/?#"); j >= 0 && !loginBeyond(authority, j) {
			authority = authority[:j]
		}
		if at := strings.LastIndexByte(authority, '@'); at > 0 {
			out.WriteString(w.login(authority[:at]))
			s = s[at:]
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

// Address is an address as a user gave it, without what may be a password in it,
// or a token in its query.
func Address(s string) string {
	s = Text(s)
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		return s[:i+1] + Mask
	}
	return s
}
