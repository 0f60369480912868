package cluster

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
)

// Scope selects what is read.
type Scope struct {
	// OperatorNamespace is where the operator runs. The default is to find it.
	OperatorNamespace string
	// Namespaces are those of the object stores. The default is all; a user
	// without cluster-wide permissions gets the context's namespace, with
	// a [plan.Gap] that says so.
	Namespaces []string
	// SingleNamespace limits the facts to one namespace, whatever is in it: no permission
	// beyond it is needed. What lies outside and cannot be seen is a [plan.Gap]
	// all the same. It overrules the other two.
	SingleNamespace string
	// Events asks for the warnings of the last hour as well.
	Events bool
}

// Client reads from one cluster. It is safe for concurrent use and has nothing
// to close.
type Client struct {
	connection Connection

	typed    kubernetes.Interface
	dynamic  dynamic.Interface
	metadata metadata.Interface
	mapper   func() (meta.RESTMapper, error)
	warnings *warningCollector
	now      func() time.Time
	secrets  *redact.Redactor
}

// Option changes how a [Client] is made.
type Option func(*Client)

// WithClock replaces the clock by which events are recent. The default is
// [time.Now].
func WithClock(now func() time.Time) Option { return func(c *Client) { c.now = now } }

// WithRedactor teaches r every secret that the client comes across: those in
// Secrets, values, environment variables and the kubeconfig. The default is that
// nobody learns them.
func WithRedactor(r *redact.Redactor) Option { return func(c *Client) { c.secrets = r } }

// New makes a client of the cluster that flags resolve to. It sends nothing: a
// cluster that cannot be reached shows in the first request. The error is a
// [*ConnectError] where the kubeconfig names no usable context.
//
// The API server's own fairness limits the requests, not the client: a look is
// a burst of some forty requests, which client-go's default of five a second
// would stretch to many seconds.
func New(flags *genericclioptions.ConfigFlags, opts ...Option) (*Client, error) {
	connection, config, err := ResolveConnection(flags)
	if err != nil {
		return nil, err
	}
	c := &Client{
		connection: connection,
		mapper:     sync.OnceValues(flags.ToRESTMapper),
		warnings:   &warningCollector{},
		now:        time.Now,
	}
	for _, o := range opts {
		o(c)
	}
	return c, c.connectClients(config)
}

// Connection is the cluster that this client reads from.
func (c *Client) Connection() Connection { return c.connection }

// Warnings are the distinct warnings the API server sent along with its
// answers, in the order of their arrival.
func (c *Client) Warnings() []string { return c.warnings.listWarnings() }

func (c *Client) connectClients(base *rest.Config) error {
	config := rest.CopyConfig(base)
	c.secrets.AddValue(config.BearerToken, config.Password)
	if token, err := os.ReadFile(config.BearerTokenFile); err == nil {
		c.secrets.AddValue(string(token))
	}
	config.QPS = -1
	config.Wrap(newErrorRecorder)
	config.WarningHandler, config.WarningHandlerWithContext = c.warnings, nil
	var err error
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return c.connection.failed(NoContext, err)
	}
	if c.metadata, err = metadata.NewForConfig(config); err != nil {
		return c.connection.failed(NoContext, err)
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	if c.typed, err = kubernetes.NewForConfig(config); err != nil {
		return c.connection.failed(NoContext, err)
	}
	return nil
}

// serverVersion asks for the API server's version. It is the first request of every
// collection and so the one that finds an unreachable cluster; it doesn't wait as
// long as the lists may.
func (c *Client) serverVersion(ctx context.Context) (string, error) {
	asking, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	body, err := c.typed.CoreV1().RESTClient().Get().AbsPath("/version").
		SetHeader("Accept", "application/json").Do(asking).Raw()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		err = noAnswer(asking, versionTimeout, err)
		if asking.Err() != nil {
			return "", c.connection.failed(Unreachable, err)
		}
		if failed := c.connectError(err); failed != nil {
			return "", failed
		}
		return "", nil // the server answered: it only won't tell
	}
	var v version.Info
	if err := json.Unmarshal(body, &v); err != nil {
		return "", c.connection.failed(Unreachable, err)
	}
	return v.GitVersion, nil
}
