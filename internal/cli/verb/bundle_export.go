package verb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// bundleExportOptions take one thing out of a bundle for other tools.
type bundleExportOptions struct {
	*term.Program
	out string
}

func newBundleExport(p *term.Program) *cobra.Command {
	o := &bundleExportOptions{Program: p}
	cmd := &cobra.Command{
		Use:   "export FILE IMAGE|CHART|plugins",
		Short: "Extract an image, a chart or the plugins from a bundle",
		Long: "Extract one image as an OCI layout tar, which crane, skopeo, oras and containerd\n" +
			"read, or one chart as a .tgz. Digests are preserved. A bundle\n" +
			"created with --with-plugins also contains the plugins' installation directory.",
		Example: `  helm aistor bundle export aistor.bundle quay.io/minio/aistor/minio:RELEASE.2026-06-06T02-44-06Z --out minio.tar
  helm aistor bundle export aistor.bundle aistor-operator-5.10.0
  helm aistor bundle export aistor.bundle plugins --out mirror`,
		Args: term.ExactArgs(2, "a bundle file and an image, a chart or \"plugins\""),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0], args[1]) },

		ValidArgsFunction: completeContents,
	}
	cmd.Flags().StringVar(&o.out, "out", "", "output file or directory (default: the image's or chart's name in the current directory)")
	return cmd
}

func (o *bundleExportOptions) run(ctx context.Context, file, what string) error {
	b, err := workflow.OpenBundleFile(file)
	if err != nil {
		return err
	}
	defer b.Close()
	if what == pluginsName && b.Manifest().Plugins != nil {
		return o.exportPlugins(ctx, b)
	}
	if c, ok := findChart(b.Charts(), what); ok {
		return o.exportChart(b, c)
	}
	e, err := findImage(b.Images(), what)
	if err != nil {
		return term.WithHint(fmt.Errorf("exporting %q from bundle %q: %w", what, file, err), "helm aistor bundle inspect "+file+" lists its contents")
	}
	name := o.out
	if name == "" {
		name = e.Ref.Base() + "-" + strings.ReplaceAll(e.Ref.Identifier(), ":", "-") + ".tar"
	}
	if err := bundle.ExportImage(ctx, b, e.Ref, name); err != nil {
		return withOutputHint(err)
	}
	term.PrintLine(o.Out, "%s %s", e.Digest, name)
	return nil
}

func (o *bundleExportOptions) exportChart(b *bundle.Bundle, c bundle.ChartEntry) error {
	data, err := b.Chart(c.Name, c.Version)
	if err != nil {
		return err
	}
	name := o.out
	if name == "" {
		name = c.Name + "-" + c.Version + ".tgz"
	}
	if err := safefile.WriteNew(name, data, 0o644); err != nil {
		return withOutputHint(fmt.Errorf("exporting chart: %w", err))
	}
	term.PrintLine(o.Out, "%s %s", c.SHA256, name)
	return nil
}

// withOutputHint adds a hint where the output file exists, or does not fit
// on its file system.
func withOutputHint(err error) error {
	switch {
	case errors.Is(err, fs.ErrExist):
		return term.WithHint(err, "--out names another file")
	case errors.Is(err, syscall.EFBIG), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return term.WithHint(err, "--out names a file on another disk")
	}
	return err
}

// findChart finds a chart by NAME-VERSION, NAME:VERSION, or by a name that
// only one has.
func findChart(charts []bundle.ChartEntry, what string) (bundle.ChartEntry, bool) {
	var found []bundle.ChartEntry
	for _, c := range charts {
		switch what {
		case c.Name + "-" + c.Version, c.Name + ":" + c.Version:
			return c, true
		case c.Name:
			found = append(found, c)
		}
	}
	if len(found) == 1 {
		return found[0], true
	}
	return bundle.ChartEntry{}, false
}

// findImage finds an image by its reference, or by an end of it that only one
// has: "minio/aistor/kes" and "kes" do where there is one kes.
func findImage(list []bundle.ImageEntry, what string) (bundle.ImageEntry, error) {
	var found []bundle.ImageEntry
	for _, e := range list {
		ends := func(s string) bool { return s == what || strings.HasSuffix(s, "/"+what) }
		if e.Ref.String() == what {
			return e, nil
		}
		if ends(e.Ref.String()) || ends(e.Ref.Name()) {
			found = append(found, e)
		}
	}
	if r, err := images.ParseRef(what); err == nil && len(found) == 0 {
		if i := slices.IndexFunc(list, func(e bundle.ImageEntry) bool { return e.Ref == r }); i >= 0 {
			return list[i], nil
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return bundle.ImageEntry{}, errors.New("no such image or chart")
	}
	return bundle.ImageEntry{}, fmt.Errorf("%d images match; add the tag", len(found))
}
