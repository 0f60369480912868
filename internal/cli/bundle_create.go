package cli

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
)

// bundleCreateOptions make a bundle on the connected side.
type bundleCreateOptions struct {
	*Program
	registryOptions
	contentsOptions

	partSize   string
	restart    bool
	overwrite  bool
	listHosts  bool
	difference bool
	plugins    string
}

func newBundleCreate(p *Program) *cobra.Command {
	o := &bundleCreateOptions{Program: p, contentsOptions: newContentsOptions()}
	cmd := &cobra.Command{
		Use:   "create FILE",
		Short: "Fetch charts and images into one file",
		Long: "Fetch the charts, the stepping stones on the way to them, and every image they\n" +
			"pull into one file. Interrupted at any moment, the same command completes it.",
		Example: `  # For the installation that was written down with kubectl aistor-upgrade export
  helm aistor bundle create aistor.bundle --for site.yaml

  # The newest charts, for nodes of both architectures, with every optional image
  helm aistor bundle create aistor.bundle --platform linux/amd64 --platform linux/arm64 --with all

  # Particular versions, in parts that fit a DVD
  helm aistor bundle create aistor.bundle --operator-version 5.10.0 --object-store-version 1.0.16 --part-size 4.3GB

  # Only what the site does not have yet
  helm aistor bundle create aistor.bundle --for site.yaml --difference

  # With the plugins themselves, for a site that has none or older ones
  helm aistor bundle create aistor.bundle --for site.yaml --with-plugins mirror

  # Which hosts must the firewall let through?
  helm aistor bundle create --list-hosts --for site.yaml`,
		Args: o.args,
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	fs := cmd.Flags()
	o.registryOptions.addFlags(fs)
	o.contentsOptions.addFlags(fs)
	fs.StringVar(&o.partSize, "part-size", "", "write parts of at most this size, such as 700MB or 4GiB")
	fs.BoolVar(&o.restart, "restart", false, "begin anew although an interrupted file could be completed")
	fs.BoolVar(&o.overwrite, "overwrite", false, "replace a bundle that is there")
	fs.BoolVar(&o.difference, "difference", false, "leave out what the images of the site file already have on the far side; push proves that")
	fs.StringVar(&o.plugins, "with-plugins", "", "folder that make mirror wrote, to carry the plugins themselves along")
	fs.BoolVar(&o.listHosts, "list-hosts", false, "write no file, only list the hosts that are asked, redirects included")
	return cmd
}

func (o *bundleCreateOptions) args(cmd *cobra.Command, args []string) error {
	if o.listHosts && len(args) == 0 {
		return nil
	}
	return exactArgs(1, "the bundle's file")(cmd, args)
}

func (o *bundleCreateOptions) run(ctx context.Context, args []string) error {
	size, err := parseBytes("part-size", o.partSize)
	if err != nil {
		return err
	}
	if size > 0 && o.plugins != "" {
		return withHint(errors.New("reading --with-plugins: a machine without the plugin can't open parts"),
			"copy "+o.plugins+" to the medium beside them")
	}
	if len(args) == 1 && args[0] == "-" {
		return withHint(errors.New("creating a bundle: it is written to a file, at many places at once, not to standard output"), "name a file")
	}
	if o.user != "" && o.mirrorHost() == "" {
		return withHint(errors.New("reading --registry-user: there is no --mirror that it could be for"),
			"for other registries log in with docker or podman, or give --registry-config")
	}
	client, err := o.client(o.Program, o.mirrorHost())
	if err != nil {
		return err
	}
	c, err := o.find(ctx, o.Program, &o.registryOptions, client)
	if o.listHosts {
		return o.hosts(ctx, client, c, err)
	}
	if err != nil {
		return err
	}
	c.spec.PartSize, c.spec.Plugins = size, o.plugins
	if o.difference {
		if err := c.assume(ctx, client); err != nil {
			return err
		}
	}
	return o.write(ctx, args[0], c, client)
}

func (o *bundleCreateOptions) write(ctx context.Context, file string, c *contents, client *registry.Client) error {
	events, end := o.progress("fetching")
	sum, err := bundle.Create(ctx, file, c.spec, client, bundle.CreateOptions{
		Restart: o.restart, Overwrite: o.overwrite, Concurrency: o.concurrency, Progress: events,
	})
	end()
	if errors.Is(err, fs.ErrExist) {
		return withHint(err, "--overwrite replaces it")
	}
	if interrupted(ctx, err) {
		return withHint(err, "the same command goes on where this one ended")
	}
	if err != nil {
		return err
	}
	for _, w := range sum.Warnings {
		c.warn("%s", w)
	}
	line(o.Out, "%s %s", sum.Digest, file)
	if o.plugins != "" {
		line(o.ErrOut, "the plugins are in it; %s", pluginsWithout(file, sum.Plugins))
	}
	line(o.ErrOut, "%s, %s, %s in %s", words.Count(sum.Charts, "chart"), words.Count(sum.Images, "image"), bytesText(sum.Size), words.Count(len(sum.Files), "file"))
	return nil
}
