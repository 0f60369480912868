package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newVersion(p *Program, path string) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of this plugin",
		Example: "  " + path + " version",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.Out, "v"+p.Version)
			return err
		},
	}
}
