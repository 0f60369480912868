package term

import (
	"fmt"

	"github.com/spf13/cobra"
)

// ExactArgs wants n arguments and says what they are.
func ExactArgs(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return WithHint(fmt.Errorf("reading arguments: received %d, expected %s", len(args), what),
			cmd.CommandPath()+" --help shows examples")
	}
}
