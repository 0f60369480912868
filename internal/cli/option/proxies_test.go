package option

import (
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

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
		if err != nil && (!strings.Contains(term.ErrorText(err), "%25") || strings.Contains(term.ErrorText(err), "SEC")) {
			t.Errorf("%q: %s", address, term.ErrorText(err))
		}
	}
}
