package option

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Scope selects the namespaces of a read-only verb: all, or the one
// namespace of -n, for which no rights in the cluster are needed.
type Scope struct{ all bool }

// AddFlags registers the flags of the group.
func (o *Scope) AddFlags(fs *pflag.FlagSet) {
	fs.BoolVarP(&o.all, "all-namespaces", "A", false, "check all namespaces (default without --namespace)")
}

// ClusterScope is the scope for the namespace of -n.
func (o *Scope) ClusterScope(kube Kube) cluster.Scope {
	if o.all {
		return cluster.Scope{}
	}
	return cluster.Scope{SingleNamespace: kube.ExplicitNamespace()}
}

// CollectFacts collects facts; a namespace without AIStor is an error.
func (o *Scope) CollectFacts(ctx context.Context, client *cluster.Client, scope cluster.Scope) (*plan.Facts, error) {
	f, err := client.Facts(ctx, scope)
	if err != nil {
		return nil, err
	}
	if scope.SingleNamespace != "" && len(f.Stores)+len(f.Workloads)+len(f.Pods)+len(f.Releases) == 0 && f.Operator == nil && !hasGapsIn(f) {
		return nil, term.WithHint(&NothingError{scope.SingleNamespace}, "kubectl aistor-upgrade status -A lists the object stores")
	}
	return f, nil
}

// NothingError says that a namespace has nothing of AIStor.
type NothingError struct{ Namespace string }

// Error implements error.
func (e *NothingError) Error() string {
	return fmt.Sprintf("namespace %q: no AIStor resources found", e.Namespace)
}

// hasGapsIn reports whether something in the namespace could not be read.
func hasGapsIn(f *plan.Facts) bool {
	for _, g := range f.Gaps {
		if g.InNamespace(f.Namespace) {
			return true
		}
	}
	return false
}

// NewClientset is a client for resources that are not part of the facts.
func (k Kube) NewClientset() (kubernetes.Interface, error) {
	config, err := k.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	return client, nil
}
