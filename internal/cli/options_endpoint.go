package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/inputs"
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
// proxies, and exceptions by name.
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
	for _, store := range sortedKeys(named) {
		u, err := url.Parse(named[store])
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
			return withHint(fmt.Errorf("reading --endpoint of %q: %q is not http[s]://HOST[:PORT]", store, withoutPasswords(named[store])),
				"its health is asked for without any credentials, at /minio/health/cluster below the address")
		}
		o.at[store] = cluster.Endpoint{URL: u, Transport: client.Transport(u.Host)}
	}
	return nil
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

// heard resolves the endpoints and asks each once. One that does not lead to its
// store would report an outage that nobody has, or hide one.
func (o *endpointOptions) heard(ctx context.Context, with *targetOptions, t *target) error {
	if err := o.resolve(with.Program, &with.registryOptions); err != nil {
		return err
	}
	f := t.inputs.Facts
	if err := o.known(f); err != nil {
		return err
	}
	for _, st := range f.Stores {
		e, named := o.at[st.Key()]
		if !named {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, askLimit)
		health, err := t.cluster.AskStore(asking, f, st, o.at)
		cancel()
		if err == nil && health.Status == 0 {
			err = fmt.Errorf("asking %s: %s", e.URL, health.Cause)
		}
		if err != nil {
			return withHint(fmt.Errorf("asking object store %q for its health: %w", st.Key(), err),
				"name in --endpoint where its clients reach it, or leave it out: then the API server asks")
		}
	}
	return nil
}
