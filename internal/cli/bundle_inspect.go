package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func newBundleInspect(p *Program) *cobra.Command {
	out := newOutputOptions()
	reg := &registryOptions{}
	cmd := &cobra.Command{
		Use:   "inspect BUNDLE",
		Short: "Show what a bundle carries and why",
		Example: `  helm aistor bundle inspect aistor.bundle
  helm aistor bundle inspect aistor.bundle -o json
  helm aistor bundle inspect oci://registry.example.com/charts/aistor-bundle:0123456789abcdef`,
		Args: exactArgs(1, "the bundle"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := out.validate(); err != nil {
				return err
			}
			b, err := openBundle(cmd.Context(), args[0], reg.connector(p))
			if err != nil {
				return err
			}
			defer b.Close()
			return out.print(p.Out, b.Manifest(), func(w io.Writer) { printBundle(w, b) })
		},
	}
	out.addFlags(cmd.Flags())
	reg.addFlags(cmd.Flags())
	return cmd
}

func printBundle(w io.Writer, b bundle.Reader) {
	m := b.Manifest()
	fmt.Fprintf(w, "Digest:     %s\n", b.Digest())
	if file, ok := b.(*bundle.Bundle); ok {
		fmt.Fprintf(w, "Size:       %s\n", bytesText(file.Size()))
	}
	platforms := strings.Join(m.Platforms, ", ")
	if platforms == "" {
		platforms = "all"
	}
	fmt.Fprintf(w, "Platforms:  %s\n\n", platforms)
	var rows [][]string
	for _, c := range m.Charts {
		role := string(c.Role)
		if c.SteppingStone {
			role += " (stepping stone)"
		}
		rows = append(rows, []string{c.Name, c.Version, role, shortDigest(c.SHA256)})
	}
	writeTable(w, []string{"CHART", "VERSION", "ROLE", "SHA256"}, rows)
	fmt.Fprintln(w)
	rows = nil
	for _, i := range m.Images {
		rows = append(rows, []string{i.Ref.String(), shortDigest(i.Digest), orDash(strings.Join(i.Platforms, ",")), string(strongest(i.Reasons))})
	}
	writeTable(w, []string{"IMAGE", "DIGEST", "PLATFORMS", "WHY"}, rows)
	for _, note := range m.Notes {
		line(w, "\nNote: %s", note)
	}
}

// strongest is the weightiest reason for an image.
func strongest(reasons []images.Reason) images.Kind {
	for _, k := range []images.Kind{images.KindDefault, images.KindUser, images.KindHook, images.KindTest, images.KindOptional} {
		for _, r := range reasons {
			if r.Kind == k {
				return k
			}
		}
	}
	return images.KindPossible
}
