package workflow

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundlespec"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ContentsOptions say what to carry: charts, and with them the images. create
// writes it into a file, copy sends it from registry to registry.
type ContentsOptions struct {
	Charts           option.ChartSource
	Site             option.Site
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
	sets             option.Sets
	literal          []string
}

// NewContentsOptions takes charts from MinIO's repository by default.
func NewContentsOptions() ContentsOptions {
	return ContentsOptions{Charts: option.ChartSource{Repo: aistor.ChartRepository}}
}

// AddFlags registers the flags of the group.
func (o *ContentsOptions) AddFlags(fs *pflag.FlagSet) {
	o.Charts.AddFlags(fs)
	o.Site.AddFlags(fs, "for", "site file of the target installation")
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
	o.sets.AddFlags(fs, "operator:KEY=VALUE or NAMESPACE/NAME:KEY=VALUE")
	fs.StringArrayVar(&o.literal, "literal-value", nil, LiteralUsage("SETTING"))
}

// Contents is what to carry, found out.
type Contents struct {
	Spec bundle.Spec
	site *plan.Site
	Warn func(format string, args ...any)
}

// FindContents loads the charts and discovers the images.
func (o *ContentsOptions) FindContents(ctx context.Context, p *term.Program, reg *option.Registry, client *registry.Client) (*Contents, error) {
	req, err := o.buildAssembleRequest(p)
	if err != nil {
		return nil, err
	}
	req.Pull = (&option.ChartPuller{ChartSource: o.Charts, Program: p, Reg: reg, Client: client}).LoadChart
	found, err := bundlespec.SelectContents(ctx, req)
	if err != nil {
		return nil, err
	}
	c := &Contents{site: req.Site, Warn: req.Warn}
	c.Spec = bundle.Spec{
		Images: found.Images, Platforms: o.platformsFor(req), Referrers: o.referrers, Tool: "aistor-upgrade " + p.Version,
	}
	for _, x := range found.Charts {
		c.Spec.Charts = append(c.Spec.Charts, bundle.ChartFile{
			Name: x.Name, Version: x.Version, AppVersion: x.AppVersion,
			Role: bundle.ChartRole(x.Role), Intermediate: x.Intermediate, Data: x.Data,
		})
		if x.Intermediate {
			c.Spec.IntermediateVersions = append(c.Spec.IntermediateVersions, x.Version)
		}
	}
	return c, nil
}

func (o *ContentsOptions) buildAssembleRequest(p *term.Program) (bundlespec.Request, error) {
	site, err := o.Site.ReadSite(p)
	if err != nil {
		return bundlespec.Request{}, err
	}
	req := bundlespec.Request{
		Site: site, From: o.installedVersion, OptionalImages: o.optionalImages,
		Warn: func(format string, args ...any) { term.PrintLine(p.ErrOut, "warning: "+format, args...) },
	}
	if req.Values, err = o.userValues(p, site); err != nil {
		return req, err
	}
	for _, c := range o.Charts.Charts {
		req.Charts = append(req.Charts, bundlespec.ChartRequest{Ref: c})
	}
	if len(req.Charts) == 0 {
		req.Charts = []bundlespec.ChartRequest{{Ref: aistor.OperatorChart, Version: o.operator}, {Ref: aistor.ObjectStoreChart, Version: o.objectStore}}
	}
	if req.Images, err = ParseRefs(o.images); err != nil {
		return req, err
	}
	req.ExcludedImages, err = ParseRefs(o.excludedImages)
	return req, err
}

// platformsFor are those asked for, else the site's; without either one
// platform is taken, with a warning, because a bundle for all of them is twice
// the size and one for the wrong one is useless.
func (o *ContentsOptions) platformsFor(r bundlespec.Request) []string {
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

// ParseRefs parses image references as flags give them.
func ParseRefs(list []string) ([]images.Ref, error) {
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
