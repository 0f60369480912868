package verb

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// NewVersion is the command version, which prints the version.
func NewVersion(p *term.Program, path string) *cobra.Command {
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
