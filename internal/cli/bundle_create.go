package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/assemble"
	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// bundleCreateOptions make a bundle on the connected side.
type bundleCreateOptions struct {
	*Program
	registryOptions
	site siteOptions

	charts         []string
	operator       string
	objectStore    string
	repo           string
	from           string
	platforms      []string
	with           []string
	images         []string
	notImages      []string
	operatorValues []string
	storeValues    []string
	restart        bool
}

func newBundleCreate(p *Program) *cobra.Command {
	o := &bundleCreateOptions{Program: p, repo: aistor.ChartRepository}
	cmd := &cobra.Command{
		Use:   "create FILE",
		Short: "Fetch charts and images into one file",
		Long: "Fetch the charts, the stepping stones on the way to them, and every image they\n" +
			"pull into one file. Interrupted at any moment, the same command completes it.",
		Example: `  # For the installation that was written down with kubectl aistor-upgrade export
  helm aistor bundle create aistor.bundle --for site.yaml

  # The newest charts, for nodes of both architectures, with every optional image
  helm aistor bundle create aistor.bundle --platform linux/amd64 --platform linux/arm64 --with all

  # Particular versions
  helm aistor bundle create aistor.bundle --operator-version 5.10.0 --object-store-version 1.0.16`,
		Args: exactArgs(1, "the bundle's file"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	o.registryOptions.addFlags(fs)
	o.site.addFlags(fs, "for", "site file of the installation the bundle is for")
	fs.StringArrayVar(&o.charts, "chart", nil, "chart as a .tgz, a folder or an oci:// reference, in place of the repository's (can be repeated)")
	fs.StringVar(&o.operator, "operator-version", "", "version of the operator chart (default: the newest)")
	fs.StringVar(&o.objectStore, "object-store-version", "", "version of the object store chart (default: the newest)")
	fs.StringVar(&o.repo, "repo", o.repo, "chart repository")
	fs.StringVar(&o.from, "from", "", "operator chart version that is installed, to know the stepping stones without a site file")
	fs.StringArrayVar(&o.platforms, "platform", nil, "platform to carry, or all (can be repeated; default: what the site says, else linux/amd64)")
	fs.StringSliceVar(&o.with, "with", nil, "optional images to carry, such as kes,prompt, or all")
	fs.StringArrayVar(&o.images, "image", nil, "image to carry whatever the charts say (can be repeated)")
	fs.StringArrayVar(&o.notImages, "not-image", nil, "image to leave out (can be repeated)")
	fs.StringArrayVar(&o.operatorValues, "operator-values", nil, "values file of the operator chart (can be repeated)")
	fs.StringArrayVar(&o.storeValues, "store-values", nil, "values file of the object store chart (can be repeated)")
	fs.BoolVar(&o.restart, "restart", false, "begin anew although an interrupted file could be completed")
	return cmd
}

func (o *bundleCreateOptions) run(ctx context.Context, file string) error {
	req, err := o.request()
	if err != nil {
		return err
	}
	contents, err := assemble.Assemble(ctx, req)
	if err != nil {
		return err
	}
	client, err := o.client(o.Program, "")
	if err != nil {
		return err
	}
	spec := bundle.Spec{Images: contents.Images, Platforms: o.platformsFor(req), Tool: "aistor-upgrade " + o.Version}
	for _, c := range contents.Charts {
		spec.Charts = append(spec.Charts, bundle.ChartFile{
			Name: c.Name, Version: c.Version, AppVersion: c.AppVersion,
			Role: bundle.Role(c.Role), SteppingStone: c.Stone, Data: c.Data,
		})
	}
	events, end := o.progress("fetching")
	sum, err := bundle.Create(ctx, file, spec, client, bundle.CreateOptions{Restart: o.restart, Concurrency: o.concurrency, Progress: events})
	end()
	if err != nil {
		return err
	}
	for _, w := range sum.Warnings {
		req.Warn("%s", w)
	}
	line(o.Out, "%s %s", sum.Digest, file)
	fmt.Fprintf(o.ErrOut, "%d charts, %d images, %s\n", len(contents.Charts), len(contents.Images), bytesText(sum.Size))
	return nil
}

func (o *bundleCreateOptions) request() (assemble.Request, error) {
	site, err := o.site.read(o.Program)
	if err != nil {
		return assemble.Request{}, err
	}
	req := assemble.Request{
		Site: site, From: o.from, With: o.with, Pull: o.pull,
		Values: map[aistor.Role]map[string]any{},
		Warn:   func(format string, args ...any) { fmt.Fprintf(o.ErrOut, "warning: "+format+"\n", args...) },
	}
	for role, files := range map[aistor.Role][]string{aistor.RoleOperator: o.operatorValues, aistor.RoleObjectStore: o.storeValues} {
		if req.Values[role], err = mergeFiles(o.Program, files); err != nil {
			return req, err
		}
	}
	for _, c := range o.charts {
		req.Charts = append(req.Charts, assemble.Want{Ref: c})
	}
	if len(o.charts) == 0 {
		req.Charts = []assemble.Want{{Ref: aistor.OperatorChart, Version: o.operator}, {Ref: aistor.ObjectStoreChart, Version: o.objectStore}}
	}
	if req.Images, err = refs(o.images); err != nil {
		return req, err
	}
	req.Not, err = refs(o.notImages)
	return req, err
}

// pull loads one chart: a path and an oci:// reference say where, a name is
// looked up in the repository. Stepping stones are named only, so that with
// charts from a folder they are looked for beside the others.
func (o *bundleCreateOptions) pull(ctx context.Context, w assemble.Want) (*chart.Chart, error) {
	opts := chart.PullOptions{Ref: w.Ref, Version: w.Version, CAFile: o.chartCA(), CertFile: o.clientCert, KeyFile: o.clientKey}
	if !strings.ContainsAny(w.Ref, "/\\") && !strings.HasSuffix(w.Ref, ".tgz") {
		if file := besides(o.charts, w); file != "" {
			return chart.Load(file)
		}
		opts.RepoURL = o.repo
	}
	return chart.Pull(ctx, opts)
}

// platformsFor are those asked for, else the site's; without either one
// platform is taken, with a warning, because a bundle for all of them is twice
// the size and one for the wrong one is useless.
func (o *bundleCreateOptions) platformsFor(r assemble.Request) []string {
	switch {
	case len(o.platforms) == 1 && o.platforms[0] == "all":
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
		r, err := images.ParseRef(s)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// chartCA is the file of certificates for chart repositories; Helm's getters
// take one.
func (o *bundleCreateOptions) chartCA() string {
	if len(o.cas) == 0 {
		return ""
	}
	return o.cas[0]
}
