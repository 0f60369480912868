package cli

import (
	"github.com/spf13/cobra"
)

// NewHelm is the plugin of Helm: it makes bundles, pushes them, and upgrades.
func NewHelm(p *Program) *cobra.Command {
	kube := newHelmOptions(p)
	p.onCluster = kube.onCluster
	root := &cobra.Command{
		Use:   "aistor",
		Short: "Carry a MinIO AIStor upgrade across an airgap",
		Long: "Carry an upgrade of MinIO AIStor across an airgap as one file, prove it before\n" +
			"anything changes, and carry it out in the right order.",
		Example: `  # With internet: everything the upgrade needs, in one file
  helm aistor bundle create aistor.bundle --for site.yaml

  # Behind the airgap: what would happen?
  helm aistor plan --bundle aistor.bundle

  # The whole upgrade: push, operator, object stores, validation
  helm aistor upgrade --bundle aistor.bundle`,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "helm aistor"},
	}
	root.AddCommand(
		newBundle(p), newPush(p), newCopy(p), newPlan(p, kube), newUpgrade(p, kube), newRollback(p, kube), newValues(p, kube),
		newVersion(p, "helm aistor"),
	)
	complete(root, kube)
	p.addColour(root)
	p.addLimits(root)
	setHelp(root)
	suggest(root)
	checkObjectNames(root)
	return root
}
