package cluster

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// InCluster is in the place of a context's name where a pod's own service
// account is used instead of a kubeconfig.
const InCluster = "in-cluster"

// Connection is the cluster that flags, environment and kubeconfig resolve to.
// It is the only source of the names under which a cluster is shown.
type Connection struct {
	// Context is the kubeconfig context in use, [InCluster] in a pod without
	// one, or empty where an address alone was given.
	Context string
	// Cluster and User are the kubeconfig entries in use; they may be empty.
	Cluster, User string
	// Server is the API server's address, without credentials.
	Server string
	// Namespace is the default one of the context.
	Namespace string
	// guessed says that nobody named a cluster and client-go's default address
	// is used.
	guessed bool
}

// ResolveConnection reads the kubeconfig as client-go does and says what it leads to. It
// sends nothing. The error is a [*ConnectError] where no cluster is named.
func ResolveConnection(flags *genericclioptions.ConfigFlags) (Connection, *rest.Config, error) {
	loader := flags.ToRawKubeConfigLoader()
	raw, err := loader.RawConfig()
	if err != nil {
		return Connection{}, nil, &ConnectError{Reason: NoContext, Context: flagValue(flags.Context), Cause: err}
	}
	c := Connection{Context: cmp.Or(flagValue(flags.Context), raw.CurrentContext)}
	failed := func(err error) (Connection, *rest.Config, error) {
		return c, nil, &ConnectError{Reason: NoContext, Context: c.Context, Server: c.Server, Known: contextNames(raw), Cause: err}
	}
	entry, found := raw.Contexts[c.Context]
	if !found && c.Context != "" {
		return failed(fmt.Errorf("context %q does not exist", c.Context))
	}
	if !found {
		entry = clientcmdapi.NewContext()
	}
	c.Cluster = cmp.Or(flagValue(flags.ClusterName), entry.Cluster)
	c.User = cmp.Or(flagValue(flags.AuthInfoName), entry.AuthInfo)
	config, err := flags.ToRESTConfig() // with what its user wraps around the transport
	if err != nil {
		return failed(err)
	}
	c.Server = withoutCredentials(config.Host)
	if c.Namespace, _, err = loader.Namespace(); err != nil {
		return failed(err)
	}
	address := flagValue(flags.APIServer)
	if entry := raw.Clusters[c.Cluster]; entry != nil {
		address = cmp.Or(address, entry.Server)
	}
	switch {
	case address != config.Host && config.Host == podServer(os.Getenv):
		c.Context, c.Cluster, c.User = InCluster, "", ""
	case address == "" && len(raw.Contexts) > 0:
		return failed(fmt.Errorf("the kubeconfig has no current context"))
	default:
		c.guessed = address == ""
	}
	return c, config, nil
}

// podServer is the address that client-go uses in a pod; empty outside one.
func podServer(getenv func(string) string) string {
	host, port := getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return ""
	}
	return "https://" + net.JoinHostPort(host, port)
}

func flagValue(flag *string) string {
	if flag == nil {
		return ""
	}
	return *flag
}

func contextNames(raw clientcmdapi.Config) []string {
	var names []string
	for name := range raw.Contexts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// withoutCredentials takes a user and a password out of an address.
func withoutCredentials(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		u.User, u.RawQuery, u.Fragment = nil, "", ""
		return u.String()
	}
	return address[strings.LastIndexByte(address, '@')+1:]
}
