package redact

import "strings"

// maskLogin masks what stands before an @: the password, and where there is none
// all of it. The user stays, since a reader has to know whose login is intended.
func (w *walker) maskLogin(s string) string {
	user, password, ok := strings.Cut(s, ":")
	switch {
	case s == Mask || ok && (password == Mask || password == ""):
		return s
	case !ok || user == "":
		return w.maskSecret(s)
	}
	w.maskSecret(s)
	return user + ":" + w.maskSecret(password)
}

// maskURLLogins masks the logins in URLs. A digest after an @ belongs to the path,
// and so does a port's slash; a password may hold one unescaped.
func (w *walker) maskURLLogins(s string) string {
	if !strings.Contains(s, "@") {
		return s
	}
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
		if j := strings.IndexAny(authority, "/?#"); j >= 0 && !isPasswordSlash(authority, j) {
			authority = authority[:j]
		}
		if at := strings.LastIndexByte(authority, '@'); at > 0 {
			out.WriteString(w.maskLogin(authority[:at]))
			s = s[at:]
		}
	}
}

// isPasswordSlash reports whether the first slash of a URL belongs to a password:
// what comes before is no host with a port, and an @ follows that no digest
// follows.
func isPasswordSlash(url string, slash int) bool {
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
