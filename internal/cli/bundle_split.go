package cli

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
)

// bundleSplitOptions cut a bundle for small media.
type bundleSplitOptions struct {
	*Program
	partSize string
	out      string
}

func newBundleSplit(p *Program) *cobra.Command {
	o := &bundleSplitOptions{Program: p}
	cmd := &cobra.Command{
		Use:   "split FILE",
		Short: "Split a bundle into parts for small media",
		Long: "Split a bundle into FILE.part001 and so on, with FILE.SHA256SUMS and a list of\n" +
			"contents. Parts need not be joined: pass FILE or any part wherever\n" +
			"a bundle is expected.",
		Example: "  helm aistor bundle split aistor.bundle --part-size 4.3GB",
		Args:    exactArgs(1, "the bundle's file"),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.partSize, "part-size", "", "maximum size of a part, such as 700MB or 4GiB")
	fs.StringVar(&o.out, "out", "", "name of the parts without .part001 (default: FILE)")
	return cmd
}

func (o *bundleSplitOptions) run(ctx context.Context, file string) error {
	size, err := parseBytes("part-size", o.partSize)
	if err != nil {
		return err
	}
	if size == 0 {
		return withHint(errors.New("--part-size is required"), "--part-size 4.3GB fits a DVD")
	}
	b, err := openBundleFile(file)
	if err != nil {
		return err
	}
	defer b.Close()
	if o.out == "" {
		o.out = file
	}
	events, end := o.startProgress("splitting")
	files, err := bundle.Split(ctx, b, o.out, size, events)
	end()
	if errors.Is(err, fs.ErrExist) {
		return withHint(err, "--out sets another name for the parts")
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		printLine(o.Out, "%s", f)
	}
	printLine(o.ErrOut, "%s in %s, with checksums and a list of contents", bytesText(b.Size()), plural.Count(len(files)-2, "part"))
	return nil
}
