package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// scopeOptions say where a verb that looks looks: everywhere, or in the one
// namespace of -n, for which no rights in the cluster are needed.
type scopeOptions struct{ all bool }

func (o *scopeOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVarP(&o.all, "all-namespaces", "A", false, "look everywhere, which is the default without --namespace")
}

// scope narrows a look to the namespace that -n names.
func (o *scopeOptions) scope(kube kubeOptions) cluster.Scope {
	if o.all {
		return cluster.Scope{}
	}
	return cluster.Scope{Only: kube.namespace()}
}

// facts takes a look and says where nothing of AIStor is.
func (o *scopeOptions) facts(ctx context.Context, client *cluster.Client, scope cluster.Scope) (*plan.Facts, error) {
	f, err := client.Facts(ctx, scope)
	if err != nil {
		return nil, err
	}
	if scope.Only != "" && len(f.Stores)+len(f.Workloads)+len(f.Pods)+len(f.Releases) == 0 && f.Operator == nil && !gapsIn(f) {
		return nil, withHint(&nothingError{scope.Only}, "kubectl aistor-upgrade status -A lists the object stores")
	}
	return f, nil
}

// nothingError says that a namespace has nothing of AIStor.
type nothingError struct{ namespace string }

// Error implements error.
func (e *nothingError) Error() string {
	return fmt.Sprintf("looking at namespace %q: nothing of AIStor is there", e.namespace)
}

// gapsIn reports whether something of the one namespace could not be looked at.
func gapsIn(f *plan.Facts) bool {
	for _, g := range f.Gaps {
		if g.Within(f.Namespace) {
			return true
		}
	}
	return false
}

// clientset is a client for what the look itself does not know.
func (k kubeOptions) clientset() (kubernetes.Interface, error) {
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
