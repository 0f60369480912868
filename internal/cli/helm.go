package cli

import (
	"github.com/spf13/cobra"
)

// NewHelm is the plugin of Helm: it makes bundles, pushes them, and upgrades.
func NewHelm(p *Program) *cobra.Command {
	kube := newHelmOptions(p)
	p.withContext = kube.withContext
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
		newBundle(p), newPush(p), newCopy(p), newPlan(p, kube), newUpgrade(p, kube), newRollback(p, kube), newValues(p, kube),
		newVersion(p, "helm aistor"),
	)
	registerCompletions(root, kube)
	p.addColorFlag(root)
	p.addLimits(root)
	setHelp(root)
	addSuggestions(root)
	checkObjectNames(root)
	return root
}
