package option

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// checkProxies refuses an address of a proxy that cannot be read: net/http passes
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
			return term.WithHint(fmt.Errorf("reading %s: not a proxy URL", name),
				"special characters of a user or password are written as %40 for @, %25 for %, %2F for /")
		}
	}
	return nil
}
