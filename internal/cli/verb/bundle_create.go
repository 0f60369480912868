package verb

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
)

// bundleCreateOptions make a bundle on the connected side.
type bundleCreateOptions struct {
	*term.Program
	option.Registry
	workflow.ContentsOptions

	partSize   string
	restart    bool
	overwrite  bool
	listHosts  bool
	difference bool
	plugins    string
}

func newBundleCreate(p *term.Program) *cobra.Command {
	o := &bundleCreateOptions{Program: p, ContentsOptions: workflow.NewContentsOptions()}
	cmd := &cobra.Command{
		Use:   "create FILE",
		Short: "Fetch charts and images into one file",
		Long: "Fetch the charts, the required intermediate versions, and every image they\n" +
			"pull into one file. If interrupted, rerun the same command to resume.",
		Example: `  # For the installation described by kubectl aistor-upgrade export
  helm aistor bundle create aistor.bundle --for site.yaml

  # The newest charts, for nodes of both architectures, with every optional image
  helm aistor bundle create aistor.bundle --platform linux/amd64 --platform linux/arm64 --with all

  # Specific versions, in parts that fit a DVD
  helm aistor bundle create aistor.bundle --operator-version 5.10.0 --object-store-version 1.0.16 --part-size 4.3GB

  # Only content that the site does not have yet
  helm aistor bundle create aistor.bundle --for site.yaml --difference

  # Include the plugins, for a site without them or with older ones
  helm aistor bundle create aistor.bundle --for site.yaml --with-plugins mirror

  # List the hosts that the firewall must allow
  helm aistor bundle create --list-hosts --for site.yaml`,
		Args: o.checkArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	fs := cmd.Flags()
	o.Registry.AddFlags(fs)
	o.ContentsOptions.AddFlags(fs)
	fs.StringVar(&o.partSize, "part-size", "", "write parts of at most this size, such as 700MB or 4GiB")
	fs.BoolVar(&o.restart, "restart", false, "discard an interrupted download and start again")
	fs.BoolVar(&o.overwrite, "overwrite", false, "overwrite an existing bundle")
	fs.BoolVar(&o.difference, "difference", false, "omit blobs of images that the site file lists as present; push verifies that they are there")
	fs.StringVar(&o.plugins, "with-plugins", "", "directory written by \"make mirror\", to include the plugins")
	fs.BoolVar(&o.listHosts, "list-hosts", false, "only list the hosts that are contacted, including redirects")
	return cmd
}

func (o *bundleCreateOptions) checkArgs(cmd *cobra.Command, args []string) error {
	if o.listHosts && len(args) == 0 {
		return nil
	}
	return term.ExactArgs(1, "the bundle's file")(cmd, args)
}

func (o *bundleCreateOptions) run(ctx context.Context, args []string) error {
	size, err := option.ParseBytes("part-size", o.partSize)
	if err != nil {
		return err
	}
	if size > 0 && o.plugins != "" {
		return term.WithHint(errors.New("--with-plugins and --part-size are mutually exclusive: a machine without the plugin cannot read parts"),
			"copy "+o.plugins+" to the same medium")
	}
	if len(args) == 1 && args[0] == "-" {
		return term.WithHint(errors.New("creating a bundle: standard output is not supported, because the file is written in parallel"), "name a file")
	}
	if o.User != "" && o.FetchMirrorHost() == "" {
		return term.WithHint(errors.New("--registry-user requires --mirror"),
			"for other registries log in with docker or podman, or set --registry-config")
	}
	client, err := o.NewRegistryClient(o.Program, o.FetchMirrorHost())
	if err != nil {
		return err
	}
	c, err := o.FindContents(ctx, o.Program, &o.Registry, client)
	if o.listHosts {
		return o.printHosts(ctx, client, c, err)
	}
	if err != nil {
		return err
	}
	c.Spec.PartSize, c.Spec.Plugins = size, o.plugins
	if o.difference {
		if err := c.AssumeSiteBlobs(ctx, client); err != nil {
			return err
		}
	}
	return o.writeBundle(ctx, args[0], c, client)
}

func (o *bundleCreateOptions) writeBundle(ctx context.Context, file string, c *workflow.Contents, client *registry.Client) error {
	events, end := o.StartProgress("fetching")
	sum, err := bundle.Create(ctx, file, c.Spec, client, bundle.CreateOptions{
		Restart: o.restart, Overwrite: o.overwrite, Concurrency: o.Concurrency, Progress: events,
	})
	end()
	if errors.Is(err, fs.ErrExist) {
		return term.WithHint(err, "--overwrite replaces it")
	}
	if term.IsInterrupted(ctx, err) {
		return term.WithHint(err, "rerun the same command to resume")
	}
	if err != nil {
		return err
	}
	for _, w := range sum.Warnings {
		c.Warn("%s", w)
	}
	term.PrintLine(o.Out, "%s %s", sum.Digest, file)
	if o.plugins != "" {
		term.PrintLine(o.ErrOut, "plugins included; %s", display.PluginsTarHint(file, sum.Plugins))
	}
	term.PrintLine(o.ErrOut, "%s, %s, %s in %s", plural.Count(sum.Charts, "chart"), plural.Count(sum.Images, "image"), term.FormatBytes(sum.Size), plural.Count(len(sum.Files), "file"))
	return nil
}
