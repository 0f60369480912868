package option

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// completionTimeout is how long a shell may stand still over a Tab.
const completionTimeout = 3 * time.Second

// maxCompletions is how many names are asked of a cluster: a list that long
// helps nobody, and a big cluster must not be slow.
const maxCompletions = 500

// CompleteContexts offers the kubeconfig's contexts.
func (k Kube) CompleteContexts(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
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

// CompleteNamespaces offers the cluster's namespaces.
func (k Kube) CompleteNamespaces(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, o := range k.listNames(cmd.Context(), schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}) {
		list = append(list, o.Name)
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// CompleteStores offers the cluster's object stores as NAMESPACE/NAME.
func (k Kube) CompleteStores(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, o := range k.listNames(cmd.Context(), aistor.ObjectStoreGVR()) {
		list = append(list, o.Namespace+"/"+o.Name)
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// CompleteReleases are those that Helm has deployed, read off the labels of its
// records alone.
func (k Kube) CompleteReleases(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	for _, o := range k.listByLabel(cmd.Context(), schema.GroupVersionResource{Version: "v1", Resource: "secrets"}, "owner=helm,status=deployed") {
		list = append(list, o.Namespace+"/"+o.Labels["name"])
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// listNames asks the cluster for objects of one kind. Whatever fails gives nothing:
// a Tab is no place for errors.
func (k Kube) listNames(ctx context.Context, of schema.GroupVersionResource) []metav1.PartialObjectMetadata {
	return k.listByLabel(ctx, of, "")
}

// listByLabel are the names of those with labels.
func (k Kube) listByLabel(ctx context.Context, of schema.GroupVersionResource, labels string) []metav1.PartialObjectMetadata {
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
