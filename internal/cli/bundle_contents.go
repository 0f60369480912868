package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/assemble"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// contentsOptions say what to carry: charts, and with them the images. create
// writes it into a file, copy sends it from registry to registry.
type contentsOptions struct {
	charts         chartOptions
	site           siteOptions
	operator       string
	objectStore    string
	from           string
	platforms      []string
	with           []string
	images         []string
	referrers      bool
	notImages      []string
	values         []string
	operatorValues []string
	storeValues    []string
	sets           setOptions
	literal        []string
}

func newContentsOptions() contentsOptions {
	return contentsOptions{charts: chartOptions{repo: aistor.ChartRepository}}
}

func (o *contentsOptions) addFlags(fs *pflag.FlagSet) {
	o.charts.addFlags(fs)
	o.site.addFlags(fs, "for", "site file of the installation this is for")
	fs.StringVar(&o.operator, "operator-version", "", "version of the operator chart (default: the newest)")
	fs.StringVar(&o.objectStore, "object-store-version", "", "version of the object store chart (default: the newest)")
	fs.StringVar(&o.from, "from", "", "operator chart version that is installed, to know the stepping stones without a site file")
	fs.StringArrayVar(&o.platforms, "platform", nil, "platform to carry, or all (can be repeated; default: what the site says, else linux/amd64)")
	fs.StringSliceVar(&o.with, "with", nil, "optional images to carry, such as kes,prompt, or all")
	fs.StringArrayVar(&o.images, "image", nil, "image to carry whatever the charts say (can be repeated)")
	fs.StringArrayVar(&o.notImages, "not-image", nil, "image to leave out (can be repeated)")
	fs.BoolVar(&o.referrers, "copy-referrers", false, "carry the images' signatures, attestations and lists of contents too")
	fs.StringArrayVarP(&o.values, "values", "f", nil, "values file for the charts of operator and object store alike (can be repeated)")
	fs.StringArrayVar(&o.operatorValues, "operator-values", nil, "values file of the operator chart (can be repeated)")
	fs.StringArrayVar(&o.storeValues, "store-values", nil, "values file of the object store chart (can be repeated)")
	o.sets.addFlags(fs, "operator:KEY=VALUE or NAMESPACE/NAME:KEY=VALUE")
	fs.StringArrayVar(&o.literal, "literal-value", nil, literalUsage("SETTING"))
}

// contents is what to carry, found out.
type contents struct {
	spec bundle.Spec
	site *plan.Site
	warn func(format string, args ...any)
}

// find loads the charts and discovers the images.
func (o *contentsOptions) find(ctx context.Context, p *Program, reg *registryOptions, client *registry.Client) (*contents, error) {
	req, err := o.request(p)
	if err != nil {
		return nil, err
	}
	req.Pull = (&chartPuller{chartOptions: o.charts, program: p, reg: reg, client: client}).pull
	found, err := assemble.Assemble(ctx, req)
	if err != nil {
		return nil, err
	}
	c := &contents{site: req.Site, warn: req.Warn}
	c.spec = bundle.Spec{
		Images: found.Images, Platforms: o.platformsFor(req), Referrers: o.referrers, Tool: "aistor-upgrade " + p.Version,
	}
	for _, x := range found.Charts {
		c.spec.Charts = append(c.spec.Charts, bundle.ChartFile{
			Name: x.Name, Version: x.Version, AppVersion: x.AppVersion,
			Role: bundle.Role(x.Role), SteppingStone: x.Stone, Data: x.Data,
		})
		if x.Stone {
			c.spec.SteppingStones = append(c.spec.SteppingStones, x.Version)
		}
	}
	return c, nil
}

func (o *contentsOptions) request(p *Program) (assemble.Request, error) {
	site, err := o.site.read(p)
	if err != nil {
		return assemble.Request{}, err
	}
	req := assemble.Request{
		Site: site, From: o.from, With: o.with,
		Warn: func(format string, args ...any) { line(p.ErrOut, "warning: "+format, args...) },
	}
	if req.Values, err = o.userValues(p, site); err != nil {
		return req, err
	}
	for _, c := range o.charts.charts {
		req.Charts = append(req.Charts, assemble.Want{Ref: c})
	}
	if len(req.Charts) == 0 {
		req.Charts = []assemble.Want{{Ref: aistor.OperatorChart, Version: o.operator}, {Ref: aistor.ObjectStoreChart, Version: o.objectStore}}
	}
	if req.Images, err = refs(o.images); err != nil {
		return req, err
	}
	req.Not, err = refs(o.notImages)
	return req, err
}

// platformsFor are those asked for, else the site's; without either one
// platform is taken, with a warning, because a bundle for all of them is twice
// the size and one for the wrong one is useless.
func (o *contentsOptions) platformsFor(r assemble.Request) []string {
	switch {
	case slices.Contains(o.platforms, "all"):
		return nil
	case len(o.platforms) > 0:
		return o.platforms
	case r.Site != nil && len(r.Site.Platforms) > 0:
		return r.Site.Platforms
	}
	r.Warn("carrying linux/amd64 only; name other platforms with --platform, or give a site file with --for")
	return []string{"linux/amd64"}
}

func refs(list []string) ([]images.Ref, error) {
	var out []images.Ref
	for _, s := range list {
		r, err := images.ParseRef(strings.TrimSpace(s))
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
