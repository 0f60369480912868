package verb

import (
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// NewBundle gathers the verbs about the file.
func NewBundle(p *term.Program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "Create, inspect, verify, sign, split and export bundles",
		Example: `  # On the connected side: put everything the upgrade needs into one file
  helm aistor bundle create aistor.bundle --for site.yaml

  # On both sides: show the contents, and verify every byte
  helm aistor bundle inspect aistor.bundle
  helm aistor bundle verify aistor.bundle`,
	}
	cmd.AddCommand(
		newBundleCreate(p), newBundleInspect(p), newBundleVerify(p),
		newBundleSign(p), newBundleSplit(p), newBundleExport(p),
	)
	return cmd
}
