package cli

import (
	"github.com/spf13/cobra"
)

// NewKubectl is the plugin of kubectl: it looks, and changes nothing.
func NewKubectl(p *Program) *cobra.Command {
	kube := newKubectlOptions(p)
	p.onCluster = kube.onCluster
	root := &cobra.Command{
		Use:   "aistor-upgrade",
		Short: "Look before, during and after an upgrade of MinIO AIStor",
		Long: "Look at an installation of MinIO AIStor before, during and after an upgrade\n" +
			"across an airgap. Nothing here changes the cluster; helm aistor does.",
		Example: `  # Write down the installation for whoever makes the bundle
  kubectl aistor-upgrade export > site.yaml

  # Is the cluster ready for what the bundle brings?
  kubectl aistor-upgrade preflight --bundle aistor.bundle

  # Does everything run what it should?
  kubectl aistor-upgrade validate

  # One screen
  kubectl aistor-upgrade status`,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl aistor-upgrade"},
	}
	kube.addFlags(root.PersistentFlags())
	root.AddCommand(
		newExport(p, kube), newPreflight(p, kube), newValidate(p, kube), newStatus(p, kube), newImages(p, kube), newCollect(p, kube),
		newVersion(p, "kubectl aistor-upgrade"), newCompletion(p),
	)
	root.AddCommand(newOptions(root))
	complete(root, kube)
	p.addColour(root)
	p.addLimits(root)
	setHelp(root)
	suggest(root)
	checkObjectNames(root)
	return root
}
