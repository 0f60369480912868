package registry_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
)

// Credentials stay with the host, port and scheme that they were given for.
func TestCredentialsAreNotSentToWhereARequestIsSentOn(t *testing.T) {
	t.Parallel()
	var got []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Authorization")) }))
	t.Cleanup(other.Close)
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/here" {
			http.Redirect(w, r, "/again", http.StatusFound)
			return
		}
		got = append(got, r.Header.Get("Authorization"))
		http.Redirect(w, r, other.URL, http.StatusFound) // same name, another port
	}))
	t.Cleanup(first.Close)
	hosts := []string{strings.TrimPrefix(first.URL, "http://"), strings.TrimPrefix(other.URL, "http://")}
	c, err := registry.New(registry.Options{PlainHTTP: hosts})
	if err != nil {
		t.Fatal(err)
	}
	transport := c.TransportFor(hosts[0]).Clone()
	transport.Proxy = func(r *http.Request) (*url.URL, error) { return nil, c.CheckRequest(r) }
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, first.URL+"/here", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("me", "secret")
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if len(got) != 2 || got[0] == "" || got[1] != "" {
		t.Errorf("credentials that were sent: %q", got)
	}
}
