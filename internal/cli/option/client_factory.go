package option

import (
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// OCIScheme marks a bundle that was pushed to a registry.
const OCIScheme = "oci://"

// ClientFactory makes a client for one registry, when it turns out to be needed.
type ClientFactory func(host string) (*registry.Client, error)

// NewClientFactory gives clients with the user's own credentials.
func (o *Registry) NewClientFactory(p *term.Program) ClientFactory {
	return func(host string) (*registry.Client, error) { return o.NewRegistryClient(p, host) }
}

// RestrictedClientFactory makes clients that give the user's password to the registry that is
// pushed to and to no other.
func (o *Registry) RestrictedClientFactory(p *term.Program, target plan.SiteRegistry) ClientFactory {
	return func(host string) (*registry.Client, error) {
		if host != target.PushHost() && host != target.Registry {
			host = ""
		}
		return o.NewRegistryClient(p, host)
	}
}
