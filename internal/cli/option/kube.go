package option

import (
	"cmp"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
)

// Kube selects the cluster. Below kubectl its flags are kubectl's own
// flags; below Helm they are Helm's, with the defaults from the environment in
// which Helm hands its global flags to plugins.
type Kube struct {
	*genericclioptions.ConfigFlags
	helm bool
	// helmNamespace is the namespace Helm handed over, handedFile what KUBECONFIG names.
	helmNamespace, handedFile string
	// completionTimeout bounds what a completion asks of the cluster.
	completionTimeout time.Duration
}

// newConfigFlags are kubectl's own flags. Whatever talks to the API server through
// them is bounded.
func newConfigFlags(p *term.Program) *genericclioptions.ConfigFlags {
	tell := p.SilencePrinter()
	return genericclioptions.NewConfigFlags(true).WithDiscoveryBurst(300).WithDiscoveryQPS(-1).
		WithWrapConfigFn(func(c *rest.Config) *rest.Config { return cluster.LimitSilence(c, p.Limits, tell) })
}

// NewKubectlFlags is for verbs below kubectl.
func NewKubectlFlags(p *term.Program) Kube {
	f := newConfigFlags(p)
	return Kube{ConfigFlags: f, completionTimeout: cmp.Or(p.CompletionTimeout, completionTimeout)}
}

// NewHelmFlags is for verbs below Helm.
func NewHelmFlags(p *term.Program) Kube {
	f := newConfigFlags(p)
	*f.Context = p.Getenv("HELM_KUBECONTEXT")
	*f.BearerToken = p.Getenv("HELM_KUBETOKEN")
	*f.APIServer = p.Getenv("HELM_KUBEAPISERVER")
	*f.CAFile = p.Getenv("HELM_KUBECAFILE")
	*f.TLSServerName = p.Getenv("HELM_KUBETLS_SERVER_NAME")
	*f.Insecure = p.Getenv("HELM_KUBEINSECURE_SKIP_TLS_VERIFY") == "true"
	*f.Impersonate = p.Getenv("HELM_KUBEASUSER")
	if groups := p.Getenv("HELM_KUBEASGROUPS"); groups != "" {
		*f.ImpersonateGroup = strings.Split(groups, ",")
	}
	*f.Namespace = p.Getenv("HELM_NAMESPACE")
	return Kube{ConfigFlags: f, helm: true, helmNamespace: *f.Namespace, handedFile: p.Getenv("KUBECONFIG"), completionTimeout: cmp.Or(p.CompletionTimeout, completionTimeout)}
}

// AddFlags registers the flags under the names of the program they run below.
func (k Kube) AddFlags(fs *pflag.FlagSet) {
	if !k.helm {
		k.ConfigFlags.AddFlags(fs)
		return
	}
	fs.StringVar(k.KubeConfig, "kubeconfig", *k.KubeConfig, "path to the kubeconfig file")
	fs.StringVar(k.Context, "kube-context", *k.Context, "name of the kubeconfig context to use")
	fs.StringVarP(k.Namespace, "namespace", "n", *k.Namespace, "namespace of the operator's release")
	fs.StringVar(k.APIServer, "kube-apiserver", *k.APIServer, "the address and the port for the Kubernetes API server")
	fs.StringVar(k.CAFile, "kube-ca-file", *k.CAFile, "the certificate authority file for the Kubernetes API server connection")
	fs.StringVar(k.Impersonate, "kube-as-user", *k.Impersonate, "username to impersonate for the operation")
	fs.StringArrayVar(k.ImpersonateGroup, "kube-as-group", *k.ImpersonateGroup, "group to impersonate for the operation (can be repeated)")
	fs.StringVar(k.TLSServerName, "kube-tls-server-name", *k.TLSServerName, "server name to use for Kubernetes API server certificate validation")
	fs.BoolVar(k.Insecure, "kube-insecure-skip-tls-verify", *k.Insecure, "do not check the API server's certificate")
}

// ExplicitNamespace is the one referenced by flag or environment, or "" where none was:
// then the operator's namespace is found on the cluster. The kubeconfig's own
// default does not count, since it names where somebody works, not where
// AIStor lives.
func (k Kube) ExplicitNamespace() string {
	ns := *k.Namespace
	if !k.helm || ns != k.helmNamespace {
		return ns
	}
	// Helm hands over the context's namespace, or "default", also where nobody
	// asked for one.
	if ns == "default" || ns == k.contextNamespace() {
		return ""
	}
	return ns
}

// contextNamespace is the kubeconfig's own for the context in use.
func (k Kube) contextNamespace() string {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = *k.KubeConfig
	ns, _, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules,
		&clientcmd.ConfigOverrides{CurrentContext: *k.Context}).Namespace()
	if err != nil {
		return ""
	}
	return ns
}
