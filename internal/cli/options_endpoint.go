package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// endpointOptions say where object stores are asked for their health in place of
// the API server's proxy.
type endpointOptions struct {
	list      []string
	endpoints cluster.Endpoints
}

func (o *endpointOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.list, "endpoint", nil, "query an object store's health at this URL instead of through the API server, as team-a/primary=https://s3.example.com (can be repeated)")
}

// resolveEndpoints reads the addresses. They are reached as registries are: the same CAs,
// proxies, and exceptions by name, but without a client certificate.
func (o *endpointOptions) resolveEndpoints(p *Program, reg *registryOptions) error {
	named, err := parsePairs("endpoint", o.list)
	if err != nil || len(named) == 0 {
		return err
	}
	client, err := reg.newRegistryClient(p, "")
	if err != nil {
		return err
	}
	o.endpoints = cluster.Endpoints{}
	of := map[string]string{} // stores by their address
	for _, store := range slices.Sorted(maps.Keys(named)) {
		e, err := endpointOf(store, named[store], client)
		if err != nil {
			return err
		}
		if other, taken := of[e.URL.String()]; taken {
			return withHint(fmt.Errorf("--endpoint %q: %s is already used for %q", store, e.URL, other),
				"each object store requires its own address")
		}
		o.endpoints[store], of[e.URL.String()] = e, store
	}
	return nil
}

// endpointOf is how a store is reached at an address.
func endpointOf(store, address string, client *registry.Client) (e cluster.Endpoint, err error) {
	if namespace, name, ok := strings.Cut(store, "/"); !ok || namespace == "" || name == "" || strings.ContainsAny(name, "/:") {
		return e, fmt.Errorf("reading --endpoint %q: expected NAMESPACE/NAME=URL", redact.Address(store+"="+address))
	}
	if e.URL, err = endpointURL(address); err != nil {
		return e, withHint(fmt.Errorf("reading --endpoint of %q: %w", store, err),
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

// checkKnownStores refuses endpoints of stores that do not exist.
func (o *endpointOptions) checkKnownStores(f *plan.Facts) error {
	stores := planinput.StoreKeys(f)
	for _, store := range slices.Sorted(maps.Keys(o.endpoints)) {
		if !slices.Contains(stores, store) {
			return &planinput.UnknownStoreError{Key: store, Known: stores}
		}
	}
	return nil
}

// verifyEndpoints asks each endpoint once. One that does not lead to its store would report
// an outage that nobody has, or hide one.
func verifyEndpoints(ctx context.Context, p *Program, o *endpointOptions, t *target) error {
	f := t.inputs.Facts
	if err := o.checkKnownStores(f); err != nil {
		return err
	}
	for _, st := range f.Stores {
		e, named := o.endpoints[st.Key()]
		if !named {
			continue
		}
		health, err := probeEndpoint(ctx, t.cluster, f, st, o.endpoints)
		if health.State == cluster.HealthUnavailable && err == nil {
			printLine(p.Out, "! object store %s is already unavailable: %s returned %d", st.Key(), e, health.Status)
		}
		if err != nil {
			if ended := interruptionError(ctx); ended != nil {
				return ended
			}
			hint := "set --endpoint to the address that clients use, or omit it to query through the API server"
			if e.Proxy != "" {
				hint += fmt.Sprintf("\nthe request goes through proxy %s; if the store is reachable directly, add %s to NO_PROXY", e.Proxy, e.URL.Hostname())
			}
			return withHint(fmt.Errorf("querying the health of object store %q: %w", st.Key(), err), hint)
		}
	}
	return nil
}

// probeEndpoint asks one store at its endpoint, and there for what no store has.
func probeEndpoint(ctx context.Context, c *cluster.Client, f *plan.Facts, st plan.Store, at cluster.Endpoints) (cluster.Health, error) {
	ctx, cancel := context.WithTimeout(ctx, healthRequestTimeout)
	defer cancel()
	health, err := c.CheckStoreHealth(ctx, f, st, at)
	switch {
	case err != nil:
		return health, err
	case health.Status == 0:
		return health, fmt.Errorf("querying %s: %s", at[st.Key()], cmp.Or(health.Cause, "no answer"))
	}
	return health, at[st.Key()].DetectCatchAll(ctx)
}
