package cli

import "github.com/spf13/cobra"

// newBundle gathers the verbs about the file.
func newBundle(p *Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Make, look into, verify, sign, split and export a bundle",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(
		newBundleCreate(p), newBundleInspect(p), newBundleVerify(p),
		newBundleSign(p), newBundleSplit(p), newBundleExport(p),
	)
	return cmd
}
