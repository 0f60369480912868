package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundlespec"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// contentsOptions say what to carry: charts, and with them the images. create
// writes it into a file, copy sends it from registry to registry.
type contentsOptions struct {
	charts           chartOptions
	site             siteOptions
	operator         string
	objectStore      string
	installedVersion string
	platforms        []string
	optionalImages   []string
	images           []string
	referrers        bool
	excludedImages   []string
	values           []string
	operatorValues   []string
	storeValues      []string
	sets             setOptions
	literal          []string
}

func newContentsOptions() contentsOptions {
	return contentsOptions{charts: chartOptions{repo: aistor.ChartRepository}}
}

func (o *contentsOptions) addFlags(fs *pflag.FlagSet) {
	o.charts.addFlags(fs)
	o.site.addFlags(fs, "for", "site file of the target installation")
	fs.StringVar(&o.operator, "operator-version", "", "version of the operator chart (default: the newest)")
	fs.StringVar(&o.objectStore, "object-store-version", "", "version of the object store chart (default: the newest)")
	fs.StringVar(&o.installedVersion, "from", "", "installed operator chart version, to find intermediate versions without a site file")
	fs.StringArrayVar(&o.platforms, "platform", nil, "platform to include, or all (can be repeated; default: the site's platforms, else linux/amd64)")
	fs.StringSliceVar(&o.optionalImages, "with", nil, "optional images to include, such as kes,prompt, or all")
	fs.StringArrayVar(&o.images, "image", nil, "additional image to include (can be repeated)")
	fs.StringArrayVar(&o.excludedImages, "not-image", nil, "image to exclude (can be repeated)")
	fs.BoolVar(&o.referrers, "copy-referrers", false, "include the images' signatures, attestations and SBOMs")
	fs.StringArrayVarP(&o.values, "values", "f", nil, "values file for both charts (can be repeated)")
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

// findContents loads the charts and discovers the images.
func (o *contentsOptions) findContents(ctx context.Context, p *Program, reg *registryOptions, client *registry.Client) (*contents, error) {
	req, err := o.buildAssembleRequest(p)
	if err != nil {
		return nil, err
	}
	req.Pull = (&chartPuller{chartOptions: o.charts, program: p, reg: reg, client: client}).loadChart
	found, err := bundlespec.SelectContents(ctx, req)
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
			Role: bundle.ChartRole(x.Role), Intermediate: x.Intermediate, Data: x.Data,
		})
		if x.Intermediate {
			c.spec.IntermediateVersions = append(c.spec.IntermediateVersions, x.Version)
		}
	}
	return c, nil
}

func (o *contentsOptions) buildAssembleRequest(p *Program) (bundlespec.Request, error) {
	site, err := o.site.readSite(p)
	if err != nil {
		return bundlespec.Request{}, err
	}
	req := bundlespec.Request{
		Site: site, From: o.installedVersion, OptionalImages: o.optionalImages,
		Warn: func(format string, args ...any) { printLine(p.ErrOut, "warning: "+format, args...) },
	}
	if req.Values, err = o.userValues(p, site); err != nil {
		return req, err
	}
	for _, c := range o.charts.charts {
		req.Charts = append(req.Charts, bundlespec.ChartRequest{Ref: c})
	}
	if len(req.Charts) == 0 {
		req.Charts = []bundlespec.ChartRequest{{Ref: aistor.OperatorChart, Version: o.operator}, {Ref: aistor.ObjectStoreChart, Version: o.objectStore}}
	}
	if req.Images, err = parseRefs(o.images); err != nil {
		return req, err
	}
	req.ExcludedImages, err = parseRefs(o.excludedImages)
	return req, err
}

// platformsFor are those asked for, else the site's; without either one
// platform is taken, with a warning, because a bundle for all of them is twice
// the size and one for the wrong one is useless.
func (o *contentsOptions) platformsFor(r bundlespec.Request) []string {
	switch {
	case slices.Contains(o.platforms, "all"):
		return nil
	case len(o.platforms) > 0:
		return o.platforms
	case r.Site != nil && len(r.Site.Platforms) > 0:
		return r.Site.Platforms
	}
	r.Warn("including linux/amd64 only; set --platform or --for to include other platforms")
	return []string{"linux/amd64"}
}

func parseRefs(list []string) ([]images.Ref, error) {
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
