package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// completionTimeout is how long a shell may stand still over a Tab.
const completionTimeout = 3 * time.Second

// maxCompletions is how many names are asked of a cluster: a list that long
// helps nobody, and a big cluster must not be slow.
const maxCompletions = 500

// kubectlCompletion is the file by which kubectl completes a plugin.
const kubectlCompletion = `#!/bin/sh
# kubectl runs this to complete "kubectl aistor-upgrade". Keep it on the PATH as
# kubectl_complete-aistor_upgrade.
exec kubectl aistor-upgrade __complete "$@" 2>/dev/null
`

// newCompletion prints what completes the plugin below kubectl.
func newCompletion(p *Program) *cobra.Command {
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

// registerCompletions gives every flag below root that has known values its completion,
// by the flag's name, and keeps file names out of verbs without arguments.
func registerCompletions(root *cobra.Command, kube kubeOptions) {
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
func flagCompletions(kube kubeOptions) map[string]cobra.CompletionFunc {
	stores, checks := kube.completeStores, completeChecks
	return map[string]cobra.CompletionFunc{
		"namespace": kube.completeNamespaces, "context": kube.completeContexts, "kube-context": kube.completeContexts,
		"object-store": stores, "accept-restart": stores, "accept-downtime": stores, "accept-credentials-change": stores, "store-values": completePrefix(stores, "="),
		"to":   completePrefix(kube.completeReleases, "="),
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

func (k kubeOptions) completeContexts(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	config, err := k.ToRawKubeConfigLoader().RawConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var list []cobra.Completion
	for name := range config.Contexts {
		list = append(list, name)
	}
	slices.Sort(list)
	return list, cobra.ShellCompDirectiveNoFileComp
}

func (k kubeOptions) completeNamespaces(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, o := range k.listNames(cmd.Context(), schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}) {
		list = append(list, o.Name)
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

func (k kubeOptions) completeStores(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, o := range k.listNames(cmd.Context(), aistor.ObjectStoreGVR()) {
		list = append(list, o.Namespace+"/"+o.Name)
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// completeReleases are those that Helm has deployed, read off the labels of its
// records alone.
func (k kubeOptions) completeReleases(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, o := range k.listByLabel(cmd.Context(), schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, "owner=helm,status=deployed") {
		list = append(list, o.Namespace+"/"+o.Labels["name"])
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// listNames asks the cluster for objects of one kind. Whatever fails gives nothing:
// a Tab is no place for errors.
func (k kubeOptions) listNames(ctx context.Context, of schema.GroupVersionResource) []metav1.PartialObjectMetadata {
	return k.listByLabel(ctx, of, "")
}

// listByLabel are the names of those with labels.
func (k kubeOptions) listByLabel(ctx context.Context, of schema.GroupVersionResource, labels string) []metav1.PartialObjectMetadata {
	config, err := k.ToRESTConfig()
	if err != nil {
		return nil
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil
	}
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, k.completionTimeout)
	defer cancel()
	list, err := client.Resource(of).List(ctx, metav1.ListOptions{Limit: maxCompletions, LabelSelector: labels})
	if err != nil {
		return nil
	}
	return list.Items
}
