package cli

import "github.com/spf13/cobra"

// newBundle gathers the verbs about the file.
func newBundle(p *Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Make, look into and verify a bundle",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newBundleCreate(p), newBundleInspect(p), newBundleVerify(p))
	return cmd
}
