package chart

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"helm.sh/helm/v3/pkg/repo"
	"k8s.io/client-go/rest"
)

// limited gives the transport the rule about plain http and its limits. Where
// there is none, the one that Helm would make for the repository that the
// reference names is made here: Helm's own cannot be limited.
func (o PullOptions) limited(s HelmSettings) (PullOptions, error) {
	if o.Transport == nil {
		t := &http.Transport{DisableCompression: true, Proxy: http.ProxyFromEnvironment}
		if entry := knownRepository(s, o.Ref); entry != nil {
			conf, err := rest.TLSConfigFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{
				CertFile: entry.CertFile, KeyFile: entry.KeyFile, CAFile: entry.CAFile, Insecure: entry.InsecureSkipTLSverify && entry.CAFile == "",
			}})
			if err != nil {
				return o, fmt.Errorf("reading the TLS settings of repository %q: %w", entry.Name, err)
			}
			t.TLSClientConfig = conf
		}
		o.Transport = t
	}
	o.Transport = o.checked(o.Transport)
	if o.Limit != nil {
		o.Transport = o.Limit(o.Transport)
	}
	return o, nil
}

// checked asks Check before each request, redirects included. Helm's getters
// take nothing but an http.Transport, whose Proxy is called with each request
// before anything of it is sent.
func (o PullOptions) checked(t *http.Transport) *http.Transport {
	t = t.Clone()
	pick, check := t.Proxy, o.Check
	if check == nil {
		check = refuseHTTP
	}
	t.Proxy = func(r *http.Request) (*url.URL, error) {
		if err := check(r); err != nil || pick == nil {
			return nil, err
		}
		return pick(r)
	}
	return t
}

// refuseHTTP is the rule where nobody gave another one.
func refuseHTTP(r *http.Request) error {
	if r.URL.Scheme != "https" {
		return fmt.Errorf("plain HTTP to %q is not allowed", r.URL.Host)
	}
	return nil
}

// knownRepository is the entry that Helm keeps for REPO/NAME, nil where it has
// none. Why there is none is for Helm to say.
func knownRepository(s HelmSettings, ref string) *repo.Entry {
	name, _, _ := strings.Cut(ref, "/")
	file, err := repo.LoadFile(s.RepositoryConfig)
	if err != nil {
		return nil
	}
	return file.Get(name)
}
