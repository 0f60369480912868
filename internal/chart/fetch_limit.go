package chart

import (
	"fmt"
	"net/http"
	"strings"

	"helm.sh/helm/v3/pkg/repo"
	"k8s.io/client-go/rest"
)

// limited gives the transport its limits. Where there is none, the one that
// Helm would make for the repository that the reference names is made here:
// Helm's own can't be limited.
func (o PullOptions) limited(s HelmSettings) (PullOptions, error) {
	if o.Limit == nil {
		return o, nil
	}
	if o.Transport == nil {
		t := &http.Transport{DisableCompression: true, Proxy: http.ProxyFromEnvironment}
		if entry := knownRepository(s, o.Ref); entry != nil {
			conf, err := rest.TLSConfigFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{
				CertFile: entry.CertFile, KeyFile: entry.KeyFile, CAFile: entry.CAFile,
			}})
			if err != nil {
				return o, fmt.Errorf("reading the trust of repository %q: %w", entry.Name, err)
			}
			t.TLSClientConfig = conf
		}
		o.Transport = t
	}
	o.Transport = o.Limit(o.Transport)
	return o, nil
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
