package cli

import (
	"github.com/spf13/cobra"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

// helpTemplate begins with examples, because users look for them first, and
// keeps to 80 columns.
const helpTemplate = `{{if .HasExample}}Examples:
{{.Example}}

{{end}}{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}{{if .HasAvailableSubCommands}}Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}

{{end}}{{if .HasAvailableLocalFlags}}Options:
{{.LocalNonPersistentFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}

{{end}}Usage:
  {{.UseLine}}{{if and .HasAvailableInheritedFlags (not .HasAvailableSubCommands)}}

Use "{{.Root.DisplayName}} options" for a list of global options.{{end}}{{if .HasAvailableSubCommands}}

Use "{{.CommandPath}} COMMAND --help" for more information about a command.{{end}}
`

// setHelp applies the template to root and all its commands.
func setHelp(root *cobra.Command) { root.SetHelpTemplate(helpTemplate) }

// newOptions lists the global options of a plugin, which the help of each
// command leaves out: kubectl's own would hide those of the command.
func newOptions(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:     "options",
		Short:   "List global options",
		Example: "  " + root.DisplayName() + " options",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			term.PrintLine(cmd.OutOrStdout(), "The following options can be passed to any command:\n\n%s", root.PersistentFlags().FlagUsagesWrapped(80))
			return nil
		},
	}
}
