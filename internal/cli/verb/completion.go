package verb

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// kubectlCompletion is the file by which kubectl completes a plugin.
const kubectlCompletion = `#!/bin/sh
# kubectl runs this to complete "kubectl aistor-upgrade". Keep it on the PATH as
# kubectl_complete-aistor_upgrade.
exec kubectl aistor-upgrade __complete "$@" 2>/dev/null
`

// NewCompletion prints what completes the plugin below kubectl.
func NewCompletion(p *term.Program) *cobra.Command {
	return &cobra.Command{
		Use:   "completion kubectl",
		Short: "Print the completion script for kubectl",
		Long: "Print the completion script for kubectl. Save it in a directory on\n" +
			"your PATH; completion of kubectl itself must be enabled, too.",
		Example: `  # Enable completion of "kubectl aistor-upgrade"
  kubectl aistor-upgrade completion kubectl > ~/.local/bin/kubectl_complete-aistor_upgrade
  chmod +x ~/.local/bin/kubectl_complete-aistor_upgrade`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []cobra.Completion{"kubectl"},
		RunE: func(*cobra.Command, []string) error {
			_, err := p.Out.Write([]byte(kubectlCompletion))
			return err
		},
	}
}

// RegisterCompletions gives every flag below root that has known values its completion,
// by the flag's name, and keeps file names out of verbs without arguments.
func RegisterCompletions(root *cobra.Command, kube option.Kube) {
	// Helm and kubectl complete their plugins; a shell never asks us itself.
	root.CompletionOptions.DisableDefaultCmd = true
	known := flagCompletions(kube)
	add := func(cmd *cobra.Command) func(*pflag.Flag) {
		return func(f *pflag.Flag) {
			if values := known[f.Name]; values != nil && f.Value.Type() != "bool" {
				// The error says that the flag is unknown or has one already.
				_ = cmd.RegisterFlagCompletionFunc(f.Name, values)
			}
		}
	}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(add(cmd))
		cmd.PersistentFlags().VisitAll(add(cmd))
		if !strings.Contains(cmd.Use, " ") && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk(root)
}

// flagCompletions are the values of flags, by the flags' names.
func flagCompletions(kube option.Kube) map[string]cobra.CompletionFunc {
	stores, checks := kube.CompleteStores, completeChecks
	return map[string]cobra.CompletionFunc{
		"namespace": kube.CompleteNamespaces, "context": kube.CompleteContexts, "kube-context": kube.CompleteContexts,
		"object-store": stores, "accept-restart": stores, "accept-downtime": stores, "accept-credentials-change": stores, "store-values": completePrefix(stores, "="),
		"to":   completePrefix(kube.CompleteReleases, "="),
		"only": completeList(checks), "skip": completeList(checks), "waive": completePrefix(checks, "="),
		"output": completeOutput, "push": fixedValues("auto", "never"), "fail-on": fixedValues("fail", "warn"),
		"platform": fixedValues("linux/amd64", "linux/arm64", "all"),
	}
}

func fixedValues(values ...cobra.Completion) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// completeOutput reads the formats of the verb from the flag's own words.
func completeOutput(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	formats, _ := strings.CutPrefix(cmd.Flag("output").Usage, "one of ")
	return strings.Split(formats, ", "), cobra.ShellCompDirectiveNoFileComp
}

// completeChecks are the checks' IDs with what each inspects.
func completeChecks(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	checks := preflight.PreUpgradeChecks()
	if cmd.Name() == "validate" {
		checks = preflight.PostUpgradeChecks()
	}
	var list []cobra.Completion
	for _, c := range checks {
		list = append(list, cobra.CompletionWithDesc(c.ID, c.Inspects))
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeList completes the last of several values with commas between them.
func completeList(values cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		list, directive := values(cmd, args, typed)
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		for i := range list {
			list[i] = before + list[i]
		}
		return list, directive
	}
}

// completePrefix completes the first half of a value; the user types on.
func completePrefix(values cobra.CompletionFunc, mark string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if strings.Contains(typed, mark) {
			return nil, cobra.ShellCompDirectiveDefault
		}
		list, directive := values(cmd, args, typed)
		for i := range list {
			value, about, found := strings.Cut(list[i], "\t")
			list[i] = value + mark
			if found {
				list[i] += "\t" + about
			}
		}
		return list, directive | cobra.ShellCompDirectiveNoSpace
	}
}
