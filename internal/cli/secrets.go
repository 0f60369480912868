package cli

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// userinfo is a user with a password before a host: "user:password@". What a
// reference has before its digest looks alike and is told apart by what follows.
var userinfo = regexp.MustCompile(`([^\s/"'` + "`" + `=@:]*):([^\s"'` + "`" + `]+)@`)

// withoutPasswords hides the password before a host in an address: errors, also
// those of libraries, name addresses as they were given. The user stays, since
// an error has to say whose login failed; for the same reason this is not
// plan.RedactText, which is for texts of any kind and hides both.
func withoutPasswords(s string) string {
	var b strings.Builder
	at := 0
	for _, m := range userinfo.FindAllStringSubmatchIndex(s, -1) {
		from, to := m[4], m[5]
		if strings.HasPrefix(s[m[1]:], "sha256:") {
			i := strings.LastIndexByte(s[from:to], '@')
			if i < 0 {
				continue
			}
			to = from + i
		}
		if strings.HasPrefix(s[from:], "//") { // "https://user:password@", or "https://password@"
			from += len("//")
			if user, _, ok := strings.Cut(s[from:to], ":"); ok {
				from += len(user) + 1
			}
		}
		b.WriteString(s[at:from] + "***")
		at = to
	}
	return b.String() + s[at:]
}

// checkProxies refuses an address of a proxy that can't be read: net/http passes
// over it without a word and goes another way.
func checkProxies(getenv func(string) string) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		address := getenv(name)
		if address == "" {
			continue
		}
		u, err := url.Parse(address)
		if !strings.Contains(address, "://") {
			u, err = url.Parse("http://" + address)
		}
		if err != nil || u.Host == "" {
			return withHint(fmt.Errorf("reading %s: it is not the address of a proxy", name),
				"special characters of a user or password are written as %40 for @, %25 for %, %2F for /")
		}
	}
	return nil
}
