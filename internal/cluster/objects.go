package cluster

import (
	"context"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// GetObjects gets the live objects by their keys, whole but for managedFields.
// What doesn't exist, and what is of a kind the server doesn't know, is not in
// the map; what cannot be read is a gap. Secrets come with their content:
// the caller keeps it to itself.
func (c *Client) GetObjects(ctx context.Context, keys []plan.ObjectKey) (map[plan.ObjectKey]images.Object, []plan.Gap) {
	l := &requestTracker{}
	found := map[plan.ObjectKey]images.Object{}
	if len(keys) == 0 {
		return found, nil
	}
	mapper, err := c.mapper()
	if err != nil {
		l.addGap("API resources", err)
		return found, l.sortedGaps()
	}
	var mu sync.Mutex
	g := newRequestGroup()
	for _, k := range keys {
		g.Go(func() error {
			o, err := c.getObject(ctx, mapper, k)
			switch {
			case apierrors.IsNotFound(err) || meta.IsNoMatchError(err):
			case err != nil:
				l.addGap(k.String(), err)
			default:
				mu.Lock()
				defer mu.Unlock()
				found[k] = o
			}
			return nil
		})
	}
	_ = g.Wait()
	return found, l.sortedGaps()
}

func (c *Client) getObject(ctx context.Context, mapper meta.RESTMapper, k plan.ObjectKey) (images.Object, error) {
	gv, err := schema.ParseGroupVersion(k.APIVersion)
	if err != nil {
		return nil, err
	}
	m, err := mapper.RESTMapping(gv.WithKind(k.Kind).GroupKind(), gv.Version)
	if err != nil {
		return nil, err
	}
	namespace := k.Namespace
	if m.Scope.Name() == meta.RESTScopeNameRoot {
		namespace = ""
	}
	u, err := c.dynamic.Resource(m.Resource).Namespace(namespace).Get(ctx, k.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	u.SetManagedFields(nil)
	return images.Object(u.Object), nil
}
