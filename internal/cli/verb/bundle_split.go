package verb

import (
	"context"
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
)

// bundleSplitOptions cut a bundle for small media.
type bundleSplitOptions struct {
	*term.Program
	partSize string
	out      string
}

func newBundleSplit(p *term.Program) *cobra.Command {
	o := &bundleSplitOptions{Program: p}
	cmd := &cobra.Command{
		Use:   "split FILE",
		Short: "Split a bundle into parts for small media",
		Long: "Split a bundle into FILE.part001 and so on, with FILE.SHA256SUMS and a list of\n" +
			"contents. Parts need not be joined: pass FILE or any part wherever\n" +
			"a bundle is expected.",
		Example: "  helm aistor bundle split aistor.bundle --part-size 4.3GB",
		Args:    term.ExactArgs(1, "the bundle's file"),
		RunE:    func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.partSize, "part-size", "", "maximum size of a part, such as 700MB or 4GiB")
	fs.StringVar(&o.out, "out", "", "name of the parts without .part001 (default: FILE)")
	return cmd
}

func (o *bundleSplitOptions) run(ctx context.Context, file string) error {
	size, err := option.ParseBytes("part-size", o.partSize)
	if err != nil {
		return err
	}
	if size == 0 {
		return term.WithHint(errors.New("--part-size is required"), "--part-size 4.3GB fits a DVD")
	}
	b, err := workflow.OpenBundleFile(file)
	if err != nil {
		return err
	}
	defer b.Close()
	if o.out == "" {
		o.out = file
	}
	events, end := o.StartProgress("splitting")
	files, err := bundle.Split(ctx, b, o.out, size, events)
	end()
	if errors.Is(err, fs.ErrExist) {
		return term.WithHint(err, "--out sets another name for the parts")
	}
	if err != nil {
		return err
	}
	for _, f := range files {
		term.PrintLine(o.Out, "%s", f)
	}
	term.PrintLine(o.ErrOut, "%s in %s, with checksums and a list of contents", term.FormatBytes(b.Size()), plural.Count(len(files)-2, "part"))
	return nil
}
