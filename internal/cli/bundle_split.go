package cli

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
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
		Short: "Write a bundle again in parts for small media",
		Long: "Write a bundle again as FILE.part001 and so on, with FILE.SHA256SUMS and a list of\n" +
			"contents beside. The parts are read where they are: name FILE or any part wherever\n" +
			"a bundle is asked for.",
		Example: "  helm aistor bundle split aistor.bundle --part-size 4.3GB",
		Args:    exactArgs(1, "the bundle's file"),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.partSize, "part-size", "", "the largest part, such as 700MB or 4GiB")
	fs.StringVar(&o.out, "out", "", "name of the parts without .part001 (default: FILE)")
	return cmd
}

func (o *bundleSplitOptions) run(ctx context.Context, file string) error {
	size, err := parseBytes("part-size", o.partSize)
	if err != nil {
		return err
	}
	if size == 0 {
		return withHint(errors.New("splitting a bundle: no size was given"), "--part-size 4.3GB fits a DVD")
	}
	b, err := openBundleFile(file)
	if err != nil {
		return err
	}
	defer b.Close()
	if o.out == "" {
		o.out = file
	}
	events, end := o.progress("splitting")
	files, err := bundle.Split(ctx, b, o.out, size, events)
	end()
	if errors.Is(err, fs.ErrExist) {
		return withHint(err, "--out gives the parts another name")
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		line(o.Out, "%s", f)
	}
	line(o.ErrOut, "%s in %s, with their sums and a list of contents", bytesText(b.Size()), words.Count(len(files)-2, "part"))
	return nil
}
