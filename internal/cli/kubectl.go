package cli

import (
	"github.com/spf13/cobra"
)

// NewKubectl is the kubectl plugin. It is read-only.
func NewKubectl(p *Program) *cobra.Command {
	kube := newKubectlOptions(p)
	p.withContext = kube.withContext
	root := &cobra.Command{
		Use:   "aistor-upgrade",
		Short: "Check MinIO AIStor before, during and after an upgrade",
		Long: "Check a MinIO AIStor installation before, during and after an upgrade\n" +
			"in an airgapped cluster. These commands are read-only; use helm aistor to upgrade.",
		Example: `  # Export the installation for bundle creation
  kubectl aistor-upgrade export > site.yaml

  # Check whether the cluster is ready for this bundle
  kubectl aistor-upgrade preflight --bundle aistor.bundle

  # Check the result of an upgrade
  kubectl aistor-upgrade validate

  # Show an overview
  kubectl aistor-upgrade status`,
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl aistor-upgrade"},
	}
	kube.addFlags(root.PersistentFlags())
	root.AddCommand(
		newExport(p, kube), newPreflight(p, kube), newValidate(p, kube), newStatus(p, kube), newImages(p, kube), newCollect(p, kube),
		newVersion(p, "kubectl aistor-upgrade"), newCompletion(p),
	)
	root.AddCommand(newOptions(root))
	registerCompletions(root, kube)
	p.addColorFlag(root)
	p.addLimits(root)
	setHelp(root)
	addSuggestions(root)
	checkObjectNames(root)
	return root
}
