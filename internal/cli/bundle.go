package cli

import "github.com/spf13/cobra"

// newBundle gathers the verbs about the file.
func newBundle(p *Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Make, look into, verify, sign, split and export a bundle",
		Example: `  # With internet: everything the upgrade needs, in one file
  helm aistor bundle create aistor.bundle --for site.yaml

  # On both sides: what is in it, and did every byte arrive?
  helm aistor bundle inspect aistor.bundle
  helm aistor bundle verify aistor.bundle`,
	}
	cmd.AddCommand(
		newBundleCreate(p), newBundleInspect(p), newBundleVerify(p),
		newBundleSign(p), newBundleSplit(p), newBundleExport(p),
	)
	return cmd
}
