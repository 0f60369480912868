package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/inputs"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// endpointOptions say where object stores are asked for their health in place of
// the API server's proxy.
type endpointOptions struct {
	list []string
	at   cluster.Endpoints
}

func (o *endpointOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.list, "endpoint", nil, "ask an object store for its health there and not through the API server, as team-a/primary=https://s3.example.com (can be repeated)")
}

// resolve reads the addresses. They are reached as registries are: the same CAs,
// proxies, and exceptions by name, but without a client certificate.
func (o *endpointOptions) resolve(p *Program, reg *registryOptions) error {
	named, err := pairs("endpoint", o.list)
	if err != nil || len(named) == 0 {
		return err
	}
	client, err := reg.client(p, "")
	if err != nil {
		return err
	}
	o.at = cluster.Endpoints{}
	of := map[string]string{} // stores by their address
	for _, store := range sortedKeys(named) {
		e, err := endpointOf(store, named[store], client)
		if err != nil {
			return err
		}
		if other, taken := of[e.URL.String()]; taken {
			return withHint(fmt.Errorf("reading --endpoint of %q: %s is that of %q", store, e.URL, other),
				"each object store has an address of its own; what answers for two says nothing about either")
		}
		o.at[store], of[e.URL.String()] = e, store
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
			"its health is asked for without any credentials, at /minio/health/cluster below the address")
	}
	transport := client.Transport(e.URL.Host)
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

// known refuses endpoints of stores that are not there.
func (o *endpointOptions) known(f *plan.Facts) error {
	stores := inputs.StoreKeys(f)
	for _, store := range sortedKeys(o.at) {
		if !slices.Contains(stores, store) {
			return &inputs.UnknownStoreError{Key: store, Known: stores}
		}
	}
	return nil
}

// heard asks each endpoint once. One that does not lead to its store would report
// an outage that nobody has, or hide one.
func (o *endpointOptions) heard(ctx context.Context, p *Program, t *target) error {
	f := t.inputs.Facts
	if err := o.known(f); err != nil {
		return err
	}
	for _, st := range f.Stores {
		e, named := o.at[st.Key()]
		if !named {
			continue
		}
		health, err := leads(ctx, t.cluster, f, st, o.at)
		if health.State == cluster.HealthUnavailable && err == nil {
			line(p.Out, "! object store %s does not serve even now: %s answers %d", st.Key(), e, health.Status)
		}
		if err != nil {
			if ended := interruption(ctx); ended != nil {
				return ended
			}
			hint := "name in --endpoint where its clients reach it, or leave it out: then the API server asks"
			if e.Proxy != "" {
				hint += fmt.Sprintf("\nthe environment sends this through proxy %s; where the store is reached without it, NO_PROXY names %s", e.Proxy, e.URL.Hostname())
			}
			return withHint(fmt.Errorf("asking object store %q for its health: %w", st.Key(), err), hint)
		}
	}
	return nil
}

// leads asks one store at its endpoint, and there for what no store has.
func leads(ctx context.Context, c *cluster.Client, f *plan.Facts, st plan.Store, at cluster.Endpoints) (cluster.Health, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	health, err := c.AskStore(ctx, f, st, at)
	switch {
	case err != nil:
		return health, err
	case health.Status == 0:
		return health, fmt.Errorf("asking %s: %s", at[st.Key()], cmp.Or(health.Cause, "no answer"))
	}
	return health, at[st.Key()].Believable(ctx)
}
