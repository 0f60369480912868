package cli

import (
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/verb"
)

// NewKubectl is the kubectl plugin. It is read-only.
func NewKubectl(p *term.Program) *cobra.Command {
	kube := option.NewKubectlFlags(p)
	p.WithContext = kube.WithContext
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
	kube.AddFlags(root.PersistentFlags())
	root.AddCommand(
		verb.NewExport(p, kube), verb.NewPreflight(p, kube), verb.NewValidate(p, kube), verb.NewStatus(p, kube), verb.NewImages(p, kube), verb.NewCollect(p, kube),
		verb.NewVersion(p, "kubectl aistor-upgrade"), verb.NewCompletion(p), newOptions(root),
	)
	verb.RegisterCompletions(root, kube)
	p.AddColorFlag(root)
	p.AddLimits(root)
	setHelp(root)
	addSuggestions(root)
	option.CheckObjectNames(root)
	return root
}
