package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestFlagsOfEveryVerb pins which flags a verb has: one that has no meaning for
// it gets in with a group that does not fit.
func TestFlagsOfEveryVerb(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	allVerbs(func(cmd *cobra.Command) {
		table.WriteString(cmd.CommandPath() + "\n")
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				table.WriteString("  --" + f.Name + "\n")
			}
		})
	})
	checkGolden(t, "flags", table.String())
}
