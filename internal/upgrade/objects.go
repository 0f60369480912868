package upgrade

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// NewBindingClient works on bindings through client. Every other kind is refused:
// nothing else is ever deleted by an upgrade.
func NewBindingClient(client dynamic.Interface) BindingClient { return bindingClient{client} }

type bindingClient struct{ client dynamic.Interface }

// Get implements [BindingClient].
func (b bindingClient) Get(ctx context.Context, key plan.ObjectKey) (images.Object, error) {
	r, err := b.resourceFor(key)
	if err != nil {
		return nil, err
	}
	u, err := r.Get(ctx, key.Name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, wrapError(err, "reading", key.String())
	}
	return u.Object, nil
}

// Delete implements [BindingClient].
func (b bindingClient) Delete(ctx context.Context, key plan.ObjectKey, uid, resourceVersion string) error {
	r, err := b.resourceFor(key)
	if err != nil {
		return err
	}
	id := types.UID(uid)
	pre := &meta.Preconditions{UID: &id, ResourceVersion: &resourceVersion}
	err = r.Delete(ctx, key.Name, meta.DeleteOptions{Preconditions: pre})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return wrapError(err, "deleting", key.String())
}

// Create implements [BindingClient].
func (b bindingClient) Create(ctx context.Context, o images.Object) error {
	key := plan.KeyOf(o, "")
	r, err := b.resourceFor(key)
	if err != nil {
		return err
	}
	_, err = r.Create(ctx, &unstructured.Unstructured{Object: o}, meta.CreateOptions{})
	return wrapError(err, "creating", key.String())
}

func (b bindingClient) resourceFor(key plan.ObjectKey) (dynamic.ResourceInterface, error) {
	rbac := schema.GroupVersion{Group: "rbac.authorization.k8s.io", Version: "v1"}
	switch key.Kind {
	case "ClusterRoleBinding":
		return b.client.Resource(rbac.WithResource("clusterrolebindings")), nil
	case "RoleBinding":
		return b.client.Resource(rbac.WithResource("rolebindings")).Namespace(key.Namespace), nil
	}
	return nil, fmt.Errorf("recreating %q: only bindings can be recreated", key)
}

// withoutServerFields is o without what the API server adds, so that it can be created again.
func withoutServerFields(o images.Object) images.Object {
	u := (&unstructured.Unstructured{Object: o}).DeepCopy()
	for _, f := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink", "deletionTimestamp"} {
		unstructured.RemoveNestedField(u.Object, "metadata", f)
	}
	unstructured.RemoveNestedField(u.Object, "status")
	return u.Object
}
