package option

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Site reads the site file, whose settings flags overrule.
type Site struct{ file string }

// AddFlags registers the flag under the name and usage that the verb gives it.
func (o *Site) AddFlags(fs *pflag.FlagSet, name, usage string) {
	fs.StringVar(&o.file, name, "", usage)
}

// ReadSite gives the site, or nil where none was named.
func (o *Site) ReadSite(p *term.Program) (*plan.Site, error) {
	if o.file == "" {
		return nil, nil
	}
	b, err := p.ReadFile(o.file)
	if err != nil {
		return nil, term.WithHint(fmt.Errorf("reading site file: %w", err), "create one with: kubectl aistor-upgrade export > site.yaml")
	}
	site, err := plan.ParseSite(b)
	if err != nil {
		if unknown := unknownKeysError(o.file, b); unknown != nil {
			return nil, unknown
		}
		return nil, fmt.Errorf("reading site file %q: %w", o.file, err)
	}
	return site, siteNamesError(o.file, b, site)
}

// RegistryOf is the private registry: what flags say, else the site file, else
// what the cluster's own values name.
func RegistryOf(o Mirror, site *plan.Site, facts *plan.Facts) (plan.SiteRegistry, error) {
	var base plan.SiteRegistry
	switch {
	case site != nil && site.Registry.Registry != "":
		base = site.Registry
	case facts != nil:
		base = plan.DescribeSite(facts).Registry
	}
	r, err := o.OverrideRegistry(base)
	if err != nil {
		return r, err
	}
	if r.Registry == "" && facts != nil && facts.Operator == nil {
		return r, planinput.NewNoOperatorError(facts)
	}
	if r.Registry == "" {
		return r, term.WithHint(fmt.Errorf("finding the private registry: not set in the installed values or a site file"),
			"set --registry HOST[:PORT]")
	}
	return r, r.Validate()
}
