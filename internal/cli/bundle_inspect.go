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
	cmd := &cobra.Command{
		Use:     "inspect FILE",
		Short:   "Show what a bundle carries and why",
		Example: "  helm aistor bundle inspect aistor.bundle\n  helm aistor bundle inspect aistor.bundle -o json",
		Args:    exactArgs(1, "the bundle's file"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := out.validate(); err != nil {
				return err
			}
			b, err := openBundle(args[0])
			if err != nil {
				return err
			}
			defer b.Close()
			return out.print(p.Out, b.Manifest(), func(w io.Writer) { printBundle(w, b) })
		},
	}
	out.addFlags(cmd.Flags())
	return cmd
}

func printBundle(w io.Writer, b *bundle.Bundle) {
	m := b.Manifest()
	fmt.Fprintf(w, "Digest:     %s\nPlatforms:  %s\n\n", b.Digest(), orDash(strings.Join(m.Platforms, ", ")))
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
		rows = append(rows, []string{i.Ref.String(), shortDigest(i.Digest), bytesText(i.Size), string(strongest(i.Reasons))})
	}
	writeTable(w, []string{"IMAGE", "DIGEST", "SIZE", "WHY"}, rows)
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

// openBundle opens a bundle and says what to do about one that can't be.
func openBundle(file string) (*bundle.Bundle, error) {
	b, err := bundle.Open(file)
	if err != nil {
		return nil, withHint(err, "helm aistor bundle create makes one; helm aistor bundle verify tells what is damaged")
	}
	return b, nil
}
