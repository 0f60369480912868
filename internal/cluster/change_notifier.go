package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// ChangeNotifier notifies when the facts of some namespaces may have changed. It
// stores nothing of what it watches. The caller must stop it.
type ChangeNotifier struct {
	changed chan struct{}
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Changed receives when something changed. Changes that come while nobody receives
// are one. It receives a few times in the beginning: what changed before a
// watch began is not lost.
func (c *ChangeNotifier) Changed() <-chan struct{} { return c.changed }

// Stop ends the watches and waits for them. It may be called more than once.
func (c *ChangeNotifier) Stop() {
	c.cancel()
	c.running.Wait()
}

// watchedResources are the kinds of the facts that change by themselves.
// Of Secrets only Helm's records are watched, of ConfigMaps only journals.
func watchedResources() map[schema.GroupVersionResource]string {
	return map[schema.GroupVersionResource]string{
		{Version: "v1", Resource: "pods"}:                                      "",
		{Version: "v1", Resource: "persistentvolumeclaims"}:                    "",
		{Version: "v1", Resource: "services"}:                                  "",
		{Version: "v1", Resource: "secrets"}:                                   releaseLabel,
		{Version: "v1", Resource: "configmaps"}:                                "app.kubernetes.io/managed-by=aistor-upgrade",
		{Group: "apps", Version: "v1", Resource: "statefulsets"}:               "",
		{Group: "apps", Version: "v1", Resource: "deployments"}:                "",
		{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}: "",
		aistor.ObjectStoreGVR():                                                "",
	}
}

// WatchChanges watches the metadata of everything in namespaces that the facts depend
// on, without polling. A kind that cannot be watched is left out: then nothing
// tells of its changes but those of others.
func (c *Client) WatchChanges(ctx context.Context, namespaces []string) *ChangeNotifier {
	watching, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard()))
	out := &ChangeNotifier{changed: make(chan struct{}, 1), cancel: cancel}
	for _, ns := range namespaces {
		for gvr, selector := range watchedResources() {
			c.watchResource(watching, out, ns, gvr, selector)
		}
	}
	return out
}

// watchResource watches one kind in one namespace.
func (c *Client) watchResource(ctx context.Context, out *ChangeNotifier, ns string, gvr schema.GroupVersionResource, selector string) {
	resource := c.metadata.Resource(gvr).Namespace(ns)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = selector
			return resource.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = selector
			return startWatch(ctx, resource.Watch, o)
		},
	}
	patience := &wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 8, Cap: time.Minute}
	r := cache.NewReflectorWithOptions(lw, &metav1.PartialObjectMetadata{}, notifyStore{out.notifyChanged},
		cache.ReflectorOptions{Name: gvr.Resource + " in " + ns, Backoff: patience})
	out.running.Go(func() {
		// A forbidden watch stays forbidden.
		if _, err := resource.List(ctx, metav1.ListOptions{Limit: 1, LabelSelector: selector}); apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			return
		}
		r.RunWithContext(ctx)
	})
}

func (c *ChangeNotifier) notifyChanged() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// notifyStore is a reflector store that stores nothing and notifies.
// A list notifies, too: it may contain missed changes.
type notifyStore struct{ notify func() }

// Add implements [cache.ReflectorStore].
func (b notifyStore) Add(any) error { b.notify(); return nil }

// Update implements [cache.ReflectorStore].
func (b notifyStore) Update(any) error { b.notify(); return nil }

// Delete implements [cache.ReflectorStore].
func (b notifyStore) Delete(any) error { b.notify(); return nil }

// Replace implements [cache.ReflectorStore].
func (b notifyStore) Replace([]any, string) error { b.notify(); return nil }

// Resync implements [cache.ReflectorStore]; there is nothing to repeat.
func (b notifyStore) Resync() error { return nil }
