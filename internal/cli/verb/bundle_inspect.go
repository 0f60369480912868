package verb

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/display"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
)

func newBundleInspect(p *term.Program) *cobra.Command {
	out := option.NewOutput()
	reg := &option.Registry{}
	cmd := &cobra.Command{
		Use:   "inspect BUNDLE",
		Short: "Show the contents of a bundle",
		Example: `  helm aistor bundle inspect aistor.bundle
  helm aistor bundle inspect aistor.bundle -o json
  helm aistor bundle inspect oci://registry.example.com/charts/aistor-bundle:0123456789abcdef`,
		Args: term.ExactArgs(1, "the bundle"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.Validate(); err != nil {
				return err
			}
			b, err := workflow.OpenBundle(cmd.Context(), args[0], reg.NewClientFactory(p))
			if err != nil {
				return err
			}
			defer b.Close()
			var size int64
			if file, ok := b.(*bundle.Bundle); ok {
				size = file.Size()
			}
			return out.PrintDocument(p.Out, b.Manifest(), func(w io.Writer) { display.PrintBundle(w, b.Digest(), size, b.Manifest()) })
		},
	}
	out.AddFlags(cmd.Flags())
	reg.AddFlags(cmd.Flags())
	return cmd
}
