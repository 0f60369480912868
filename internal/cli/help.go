package cli

import "github.com/spf13/cobra"

// helpTemplate begins with examples, because that is what people look for, and
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

"{{.Root.DisplayName}} options" lists the options that all commands have.{{end}}{{if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" says more about a command.{{end}}
`

// setHelp gives root and all its commands this look.
func setHelp(root *cobra.Command) { root.SetHelpTemplate(helpTemplate) }

// newOptions lists the options that every command of the kubectl plugin has,
// which are kubectl's own and would drown each command's.
func newOptions(root *cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "options",
		Short: "List the options that all commands have",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			line(cmd.OutOrStdout(), "All commands have these options:\n\n%s", root.PersistentFlags().FlagUsagesWrapped(80))
			return nil
		},
	}
	cmd.Example = "  kubectl aistor-upgrade options"
	return cmd
}
