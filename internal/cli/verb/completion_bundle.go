package verb

import (
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
)

// completeContents offers, behind a bundle's file, the charts and images in it,
// and the plugins where they travel along.
func completeContents(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return nil, cobra.ShellCompDirectiveDefault
	case 1:
		return bundleContentNames(args[0]), cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// bundleContentNames is nothing where the file cannot be read: a Tab is no place for
// errors.
func bundleContentNames(file string) []cobra.Completion {
	b, err := bundle.Open(file)
	if err != nil {
		return nil
	}
	defer b.Close()
	var list []cobra.Completion
	for _, c := range b.Charts() {
		list = append(list, cobra.CompletionWithDesc(c.Name+"-"+c.Version, "chart"))
	}
	for _, e := range b.Images() {
		list = append(list, cobra.CompletionWithDesc(e.Ref.String(), "image"))
	}
	if b.Manifest().Plugins != nil {
		list = append(list, cobra.CompletionWithDesc(pluginsName, "the plugins' own files"))
	}
	return list
}
