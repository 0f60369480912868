package registry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
)

// Options says how to reach registries. The zero value is anonymous access
// over https with the system's roots.
type Options struct {
	// CAFiles are PEM bundles added to the system's roots.
	CAFiles []string
	// ClientCert and ClientKey are PEM files for TLS client authentication,
	// offered to every host that asks.
	ClientCert, ClientKey string
	// PlainHTTP names hosts (host or host:port) that are spoken to without
	// TLS. The default is none, not even loopback.
	PlainHTTP []string
	// SkipTLSVerify names hosts whose certificate is not checked.
	SkipTLSVerify []string
	// FetchMirrors sends fetches of a source host, or of a host with a path prefix,
	// to another host and path: {"quay.io": "cache.example.com/quay.io"}. The
	// longest match wins, by whole path elements. Names stay as they are.
	FetchMirrors map[string]string
	// Credentials by host overrule everything that is read from files.
	Credentials map[string]Credential
	// DockerConfigs are paths of docker's config.json. Credential helpers
	// named in one are run. Files that don't exist are passed over.
	DockerConfigs []string
	// PodmanAuth and HelmRegistryConfig are further files of the same form,
	// asked after DockerConfigs.
	PodmanAuth, HelmRegistryConfig string
	// DockerConfigJSON is the content of a pull secret. If set it is used
	// alone, and only its "auths": what a node would have.
	DockerConfigJSON []byte
	// Proxy picks the proxy of a request. The default is
	// [http.ProxyFromEnvironment]. Credentials in the proxy's URL are used.
	Proxy func(*http.Request) (*url.URL, error)
	// MaxConcurrent limits the requests that wait for an answer, for each
	// host. The default is 16.
	MaxConcurrent int
	// MaxAttempts is how often a request is tried. The default is 6.
	MaxAttempts int
	// MaxWait bounds a single wait, also one that Retry-After asks for. A
	// longer Retry-After is an error at once. The default is 2 minutes.
	MaxWait time.Duration
	// Limits bound how long a registry may stay silent. Their defaults are those
	// of [httptimeout.Limits].
	Limits httptimeout.Limits
	// OnSilence, where set, hears of registries that are waited for. It must be
	// safe for concurrent use.
	OnSilence func(httptimeout.Silence)
	// UserAgent is sent with every request.
	UserAgent string
	// Wait sleeps between attempts. The default sleeps; tests count instead.
	Wait func(ctx context.Context, d time.Duration) error
	// OnRetry, where set, hears of each retry. It must be safe for concurrent
	// use.
	OnRetry func(host string, err error, wait time.Duration)
}

// Credential is a user with a password or token.
type Credential struct{ Username, Password string }

// String hides the password.
func (c Credential) String() string { return c.Username + ":***" }

// GoString hides the password.
func (c Credential) GoString() string { return "registry.Credential{" + c.String() + "}" }

func (o Options) withDefaults() Options {
	if o.Proxy == nil {
		o.Proxy = hideProxyURL(http.ProxyFromEnvironment)
	}
	if o.MaxConcurrent <= 0 {
		o.MaxConcurrent = 16
	}
	if o.MaxAttempts <= 0 {
		o.MaxAttempts = 6
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 2 * time.Minute
	}
	if o.UserAgent == "" {
		o.UserAgent = "aistor-upgrade"
	}
	if o.Wait == nil {
		o.Wait = backoff.Sleep
	}
	return o
}

// hideProxyURL picks as pick does. What pick says of an address that it cannot read
// quotes all of it, and so the password in it.
func hideProxyURL(pick func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(r *http.Request) (*url.URL, error) {
		u, err := pick(r)
		if err != nil {
			return nil, errors.New("the proxy's address in the environment cannot be parsed; special characters of a user or password are written as %40 for @, %25 for %")
		}
		return u, nil
	}
}
