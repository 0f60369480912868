package chart

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/kube"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
)

// ErrReleaseNotFound is wrapped where a release or a revision of it does not
// exist.
var ErrReleaseNotFound = errors.New("release not found")

// Client reads and changes the Helm releases of one cluster. Releases are kept
// in Secrets; the other drivers of Helm are not read. It is safe for
// concurrent use.
type Client struct {
	getter genericclioptions.RESTClientGetter
	log    func(string, ...any)
}

// nameFieldManager makes this program write as Helm does. The name defaults to
// that of the binary, and two names for one tool fight over every field once
// Helm 4 applies server-side.
var nameFieldManager = sync.OnceFunc(func() { kube.ManagedFieldsManager = "helm" })

// NewClient makes a client. log takes Helm's debug messages and may be nil.
func NewClient(getter genericclioptions.RESTClientGetter, log func(string, ...any)) *Client {
	nameFieldManager()
	if log == nil {
		log = func(string, ...any) {}
	}
	return &Client{getter: getter, log: log}
}

// List gives the newest revision of every release in a namespace, or in all
// with "", whatever its status, sorted by namespace and name. Only the newest
// records are read in full: a record is up to 1 MiB, and a cluster has
// thousands.
func (c *Client) List(ctx context.Context, namespace string) ([]Release, error) {
	records, err := c.listRecords(ctx, namespace, "owner=helm")
	if err != nil {
		return nil, fmt.Errorf("listing releases: %w", err)
	}
	newest := map[string]recordName{}
	for _, r := range records {
		key := r.namespace + "/" + r.release
		if old, ok := newest[key]; !ok || old.revision < r.revision {
			newest[key] = r
		}
	}
	names := make([]recordName, 0, len(newest))
	for _, r := range newest {
		names = append(names, r)
	}
	return c.readRecords(ctx, names)
}

// Get gives the newest revision of one release; an error wraps
// [ErrReleaseNotFound] where there is none.
func (c *Client) Get(ctx context.Context, namespace, name string) (*Release, error) {
	history, err := c.listRevisions(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	out, err := c.readRecords(ctx, history[len(history)-1:])
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("reading release %q: %w", namespace+"/"+name, ErrReleaseNotFound)
	}
	return &out[0], nil
}

// History gives every kept revision of one release, the oldest first.
func (c *Client) History(ctx context.Context, namespace, name string) ([]Release, error) {
	names, err := c.listRevisions(ctx, namespace, name)
	if err != nil {
		return nil, err
	}
	return c.readRecords(ctx, names)
}

func (c *Client) listRevisions(ctx context.Context, namespace, name string) ([]recordName, error) {
	names, err := c.listRecords(ctx, namespace, "owner=helm,name="+name)
	if err != nil {
		return nil, fmt.Errorf("reading release %q: %w", namespace+"/"+name, err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("reading release %q: %w", namespace+"/"+name, ErrReleaseNotFound)
	}
	slices.SortFunc(names, func(a, b recordName) int { return a.revision - b.revision })
	return names, nil
}

// recordName is what a record's metadata says.
type recordName struct {
	namespace, release, secret string
	revision                   int
}

// listRecords lists the metadata of release Secrets alone.
func (c *Client) listRecords(ctx context.Context, namespace, selector string) ([]recordName, error) {
	config, err := c.getter.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	secrets := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(namespace)
	var out []recordName
	opts := metav1.ListOptions{LabelSelector: selector, Limit: 500}
	for {
		list, err := secrets.List(ctx, opts)
		if err != nil {
			return nil, err
		}
		for _, item := range list.Items {
			revision, err := strconv.Atoi(item.Labels["version"])
			if err != nil || !strings.HasPrefix(item.Name, "sh.helm.release.v1.") {
				continue
			}
			out = append(out, recordName{item.Namespace, item.Labels["name"], item.Name, revision})
		}
		if opts.Continue = list.Continue; opts.Continue == "" {
			return out, nil
		}
	}
}

// readRecords reads records in full, a few at a time. One that has gone meanwhile is
// left out: Helm prunes old revisions.
func (c *Client) readRecords(ctx context.Context, names []recordName) ([]Release, error) {
	client, err := c.newClientset()
	if err != nil {
		return nil, err
	}
	found := make([]*Release, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, n := range names {
		group.Go(func() error {
			secret, err := client.CoreV1().Secrets(n.namespace).Get(ctx, n.secret, metav1.GetOptions{})
			if apierrors.IsNotFound(err) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("reading release %q: %w", n.namespace+"/"+n.release, err)
			}
			found[i], err = decodeSecret(secret)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := make([]Release, 0, len(found))
	for _, r := range found {
		if r != nil {
			out = append(out, *r)
		}
	}
	slices.SortFunc(out, func(a, b Release) int {
		if n := strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name); n != 0 {
			return n
		}
		return a.Revision - b.Revision
	})
	return out, nil
}

func decodeSecret(secret *corev1.Secret) (*Release, error) {
	r, err := DecodeRelease(secret.Data["release"])
	if err != nil {
		return nil, fmt.Errorf("reading secret %q: %w", secret.Namespace+"/"+secret.Name, err)
	}
	r.SecretName, r.Created = secret.Name, secret.CreationTimestamp.Time
	return r, nil
}

func (c *Client) newClientset() (kubernetes.Interface, error) {
	config, err := c.getter.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}

// actionConfig is Helm's own state for one namespace.
func (c *Client) actionConfig(namespace string) (*action.Configuration, error) {
	cfg := new(action.Configuration)
	if err := cfg.Init(c.getter, namespace, "secret", c.log); err != nil {
		return nil, err
	}
	// Objects that name no namespace belong to the release's, not to the one
	// of the kubeconfig's context.
	if kc, ok := cfg.KubeClient.(*kube.Client); ok {
		kc.Namespace = namespace
	}
	return cfg, nil
}
