package cli

import (
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/verb"
)

// NewHelm is the plugin of Helm: it makes bundles, pushes them, and upgrades.
func NewHelm(p *term.Program) *cobra.Command {
	kube := option.NewHelmFlags(p)
	p.WithContext = kube.WithContext
	root := &cobra.Command{
		Use:   "aistor",
		Short: "Upgrade MinIO AIStor in airgapped clusters",
		Long: "Transfer an upgrade of MinIO AIStor across an airgap as one file, check it before\n" +
			"anything changes, and run it in the right order.",
		Example: `  # On the connected side: put everything the upgrade needs into one file
  helm aistor bundle create aistor.bundle --for site.yaml

  # In the airgapped cluster: show the plan
  helm aistor plan --bundle aistor.bundle

  # Run the upgrade: push, operator, object stores, validation
  helm aistor upgrade --bundle aistor.bundle`,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "helm aistor"},
	}
	root.AddCommand(
		verb.NewBundle(p), verb.NewPush(p), verb.NewCopy(p),
		verb.NewPlan(p, kube), verb.NewUpgrade(p, kube), verb.NewRollback(p, kube), verb.NewValues(p, kube),
		verb.NewVersion(p, "helm aistor"), newOptions(root),
	)
	verb.RegisterCompletions(root, kube)
	p.AddColorFlag(root)
	p.AddLimits(root)
	setHelp(root)
	addSuggestions(root)
	option.CheckObjectNames(root)
	return root
}
