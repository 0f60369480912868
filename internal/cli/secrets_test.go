package cli

import (
	"strings"
	"testing"
)

func TestPasswordsInAddressesAreHidden(t *testing.T) {
	t.Parallel()
	digest := "sha256:0123456789012345678901234567890123456789012345678901234567890123"
	for in, want := range map[string]string{
		`opening "https://user:pw@host:5000/x"`:                     `opening "https://user:***@host:5000/x"`,
		`opening "oci://user:p/w@host/x:y"`:                         `opening "oci://user:***@host/x:y"`,
		`"user:pw@host" and "robot$x:pw@other:1/y"`:                 `"user:***@host" and "robot$x:***@other:1/y"`,
		`fetching http://u:pw@h/a : 404; Get "http://u:***@h/a": x`: `fetching http://u:***@h/a : 404; Get "http://u:***@h/a": x`,
		`https://token@host/charts`:                                 `https://***@host/charts`,
		`oci://u:p@ss@reg:5000/a/b:v1@` + digest:                    `oci://u:***@reg:5000/a/b:v1@` + digest,
		`--mirror quay.io=u:pw@host`:                                `--mirror quay.io=u:***@host`,
		`pushing "reg:5000/a/b:v1@` + digest + `": no`:              `pushing "reg:5000/a/b:v1@` + digest + `": no`,
		`oci://reg:5000/a/b:v1@` + digest:                           `oci://reg:5000/a/b:v1@` + digest,
		`oci://reg:5000/a@` + digest:                                `oci://reg:5000/a@` + digest,
		`mail somebody@example.com: at 10:20`:                       `mail somebody@example.com: at 10:20`,
		"error: a\nreceived: b\nhint: c@d":                          "error: a\nreceived: b\nhint: c@d",
	} {
		if got := withoutPasswords(in); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}

func TestAProxyThatCantBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"": true, "http://u:p@h:3128": true, "h:3128": true, "proxy.example.com": true, "socks5://h:1": true,
		"http://u:SEC%RET@h:3128": false, "u:SEC%RET@h:3128": false, "http://": false,
	} {
		err := checkProxies(func(name string) string { return map[string]string{"HTTPS_PROXY": address}[name] })
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && (!strings.Contains(describe(err), "%25") || strings.Contains(describe(err), "SEC")) {
			t.Errorf("%q: %s", address, describe(err))
		}
	}
}
