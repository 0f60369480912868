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

// Changes tells when a look at some namespaces may find something else. It
// holds nothing of what it watches. Whoever gets one stops it.
type Changes struct {
	changed chan struct{}
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// C receives when something changed. Changes that come while nobody receives
// are one. It receives a few times in the beginning: what changed before a
// watch began is not lost.
func (c *Changes) C() <-chan struct{} { return c.changed }

// Stop ends the watches and waits for them. It may be called more than once.
func (c *Changes) Stop() {
	c.cancel()
	c.running.Wait()
}

// changing are the kinds that a look depends on and that move by themselves.
// Of Secrets only Helm's records are watched, of ConfigMaps only journals.
func changing() map[schema.GroupVersionResource]string {
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

// Changes watches the metadata of everything in namespaces that a look depends
// on, without polling. A kind that can't be watched is left out: then nothing
// tells of its changes but those of others.
func (c *Client) Changes(ctx context.Context, namespaces []string) *Changes {
	watching, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard()))
	out := &Changes{changed: make(chan struct{}, 1), cancel: cancel}
	for _, ns := range namespaces {
		for gvr, selector := range changing() {
			c.hear(watching, out, ns, gvr, selector)
		}
	}
	return out
}

// hear follows one kind in one namespace.
func (c *Client) hear(ctx context.Context, out *Changes, ns string, gvr schema.GroupVersionResource, selector string) {
	resource := c.metadata.Resource(gvr).Namespace(ns)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector = selector
			return resource.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector = selector
			return begin(ctx, resource.Watch, o)
		},
	}
	patience := &wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 8, Cap: time.Minute}
	r := cache.NewReflectorWithOptions(lw, &metav1.PartialObjectMetadata{}, bell{out.signal},
		cache.ReflectorOptions{Name: gvr.Resource + " in " + ns, Backoff: patience})
	out.running.Go(func() {
		// Where looking is refused it will be refused again.
		if _, err := resource.List(ctx, metav1.ListOptions{Limit: 1, LabelSelector: selector}); apierrors.IsForbidden(err) || apierrors.IsNotFound(err) {
			return
		}
		r.RunWithContext(ctx)
	})
}

func (c *Changes) signal() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// bell stands where a reflector expects its store: it keeps nothing and rings.
// A list rings too: it may hold what was missed before it.
type bell struct{ ring func() }

// Add implements [cache.ReflectorStore].
func (b bell) Add(any) error { b.ring(); return nil }

// Update implements [cache.ReflectorStore].
func (b bell) Update(any) error { b.ring(); return nil }

// Delete implements [cache.ReflectorStore].
func (b bell) Delete(any) error { b.ring(); return nil }

// Replace implements [cache.ReflectorStore].
func (b bell) Replace([]any, string) error { b.ring(); return nil }

// Resync implements [cache.ReflectorStore]; there is nothing to repeat.
func (b bell) Resync() error { return nil }
