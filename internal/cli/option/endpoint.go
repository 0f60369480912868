package option

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// ProbeAttempts is how often one probe asks before it says that a store does
	// not serve: each question meets any of its servers, and one that has just
	// started, or lost sight of the others, speaks for itself alone. A client
	// tries again too.
	ProbeAttempts = 3
	// ProbeRetryDelay is the pause between two attempts.
	ProbeRetryDelay = 100 * time.Millisecond
	// HealthRequestTimeout is how long an answer is waited for. A question that hangs must
	// not make the watch blind to what comes after.
	HealthRequestTimeout = 5 * time.Second
)

// Endpoints says where object stores are asked for their health in place of
// the API server's proxy.
type Endpoints struct {
	list      []string
	Endpoints cluster.Endpoints
}

// AddFlags registers the flags of the group.
func (o *Endpoints) AddFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.list, "endpoint", nil, "query an object store's health at this URL instead of through the API server, as team-a/primary=https://s3.example.com (can be repeated)")
}

// ResolveEndpoints reads the addresses. They are reached as registries are: the same CAs,
// proxies, and exceptions by name, but without a client certificate.
func (o *Endpoints) ResolveEndpoints(p *term.Program, reg *Registry) error {
	named, err := ParsePairs("endpoint", o.list)
	if err != nil || len(named) == 0 {
		return err
	}
	client, err := reg.NewRegistryClient(p, "")
	if err != nil {
		return err
	}
	o.Endpoints = cluster.Endpoints{}
	of := map[string]string{} // stores by their address
	for _, store := range slices.Sorted(maps.Keys(named)) {
		e, err := endpointOf(store, named[store], client)
		if err != nil {
			return err
		}
		if other, taken := of[e.URL.String()]; taken {
			return term.WithHint(fmt.Errorf("--endpoint %q: %s is already used for %q", store, e.URL, other),
				"each object store requires its own address")
		}
		o.Endpoints[store], of[e.URL.String()] = e, store
	}
	return nil
}

// endpointOf is how a store is reached at an address.
func endpointOf(store, address string, client *registry.Client) (e cluster.Endpoint, err error) {
	if namespace, name, ok := strings.Cut(store, "/"); !ok || namespace == "" || name == "" || strings.ContainsAny(name, "/:") {
		return e, fmt.Errorf("reading --endpoint %q: expected NAMESPACE/NAME=URL", redact.Address(store+"="+address))
	}
	if e.URL, err = endpointURL(address); err != nil {
		return e, term.WithHint(fmt.Errorf("reading --endpoint of %q: %w", store, err),
			"the health check at /minio/health/cluster uses no credentials")
	}
	transport := client.TransportFor(e.URL.Host)
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.Certificates = nil // they are for registries
	}
	proxy, err := transport.Proxy(&http.Request{URL: e.URL})
	if err != nil {
		return e, fmt.Errorf("reading --endpoint of %q: %w", store, err)
	}
	if proxy != nil {
		e.Proxy = proxy.Host
	}
	e.Transport = transport
	return e, nil
}

// endpointURL reads an address. That of the health itself, as a monitoring has
// it, is one too.
func endpointURL(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is not http[s]://HOST[:PORT]", redact.Address(address))
	}
	u.Host, u.ForceQuery = strings.ToLower(u.Host), false
	if to := strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/minio/health/cluster"); to != u.Path {
		u.Path, u.RawPath = to, ""
	}
	return u, nil
}

// CheckKnownStores refuses endpoints of stores that do not exist.
func (o *Endpoints) CheckKnownStores(f *plan.Facts) error {
	stores := planinput.StoreKeys(f)
	for _, store := range slices.Sorted(maps.Keys(o.Endpoints)) {
		if !slices.Contains(stores, store) {
			return &planinput.UnknownStoreError{Key: store, Known: stores}
		}
	}
	return nil
}
