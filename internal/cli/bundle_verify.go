package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newBundleVerify(p *Program) *cobra.Command {
	return &cobra.Command{
		Use:     "verify FILE",
		Short:   "Read every byte of a bundle and compare it",
		Example: "  helm aistor bundle verify aistor.bundle",
		Args:    exactArgs(1, "the bundle's file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := openBundle(args[0])
			if err != nil {
				return withCode(ExitCheckFailed, err)
			}
			defer b.Close()
			events, end := p.progress("verifying")
			problems, err := b.Verify(cmd.Context(), events)
			end()
			if err != nil {
				return err
			}
			for _, problem := range problems {
				line(p.ErrOut, "damaged: %s", problem)
			}
			if len(problems) > 0 {
				return withCode(ExitCheckFailed, withHint(
					fmt.Errorf("verifying bundle %q: %d places are damaged", args[0], len(problems)), "carry the file across again"))
			}
			line(p.Out, "%s %s verified", b.Digest(), args[0])
			return nil
		},
	}
}
