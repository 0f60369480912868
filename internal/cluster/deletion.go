package cluster

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// deletionOf is an object's deletionTimestamp; zero where it has none.
func deletionOf(o metav1.Object) time.Time {
	if t := o.GetDeletionTimestamp(); t != nil {
		return t.UTC()
	}
	return time.Time{}
}

// Deletions takes a small check what is being deleted in some namespaces:
// object stores, their StatefulSets, claims and volumes, the namespaces
// themselves, and the objects named by their keys. The rest of the facts is
// empty. The number of requests does not depend on the number of pods. The
// error is as in [Client.Facts].
func (c *Client) Deletions(ctx context.Context, scope Scope, objects []plan.ObjectKey) (*plan.Facts, error) {
	l, s := &requestTracker{}, &snapshot{now: c.now()}
	in := listScope{namespaces: scope.Namespaces}
	g := newRequestGroup()
	run := func(f func()) { g.Go(func() error { f(); return nil }) }
	run(func() {
		s.stores = listFiltered(ctx, l, "objectstores", in, storeLister(c.dynamic), metav1.ListOptions{},
			func(u *unstructured.Unstructured) (storeInfo, bool) { return convertStoreLenient(u) })
	})
	run(func() {
		s.workloads = listFiltered(ctx, l, "statefulsets", in, statefulSetLister(c.typed), metav1.ListOptions{}, convertStatefulSet)
	})
	run(func() {
		s.claims = listFiltered(ctx, l, "persistentvolumeclaims", in, claimLister(c.typed), metav1.ListOptions{}, convertClaim)
	})
	run(func() { s.volumes = c.volumes(ctx, l) })
	run(func() { s.namespaces = c.namespaces(ctx, l, scope.Namespaces) })
	_ = g.Wait()
	s.storesKnown = l.gapCount("objectstores") == 0
	f := s.buildFacts()
	f.Context, f.Server, f.Namespace = c.connection.Context, c.connection.Server, scope.SingleNamespace
	tracked := f.Tracked()
	f.Marked = c.marked(ctx, l, slices.DeleteFunc(slices.Clone(objects), func(k plan.ObjectKey) bool { return tracked[withoutVersion(k)] }))
	f.Gaps = l.sortedGaps()
	return f, c.fatalError(ctx, l)
}

// Marked gets those of the objects that are marked for deletion. One that may not
// be read is left out.
func (c *Client) Marked(ctx context.Context, objects []plan.ObjectKey) ([]plan.MarkedObject, error) {
	l := &requestTracker{}
	out := c.marked(ctx, l, objects)
	if err := c.fatalError(ctx, l); err != nil {
		return nil, err
	}
	for _, g := range l.sortedGaps() {
		if !g.Denied {
			return nil, fmt.Errorf("%s: %s", g.Subject, g.Cause)
		}
	}
	return out, nil
}

// volumes lists the volumes that some claim has or had.
func (c *Client) volumes(ctx context.Context, l *requestTracker) []plan.Volume {
	out, err := listPages(ctx, volumes(c.typed), "", metav1.ListOptions{}, seeVolume)
	l.recordOutcome(err)
	if err != nil {
		l.missOptional("persistentvolumes", err)
	}
	return out
}

func seeVolume(v *corev1.PersistentVolume) (plan.Volume, bool) {
	out := plan.Volume{
		Name: v.Name, Phase: string(v.Status.Phase), ReclaimPolicy: string(v.Spec.PersistentVolumeReclaimPolicy), Terminating: deletionOf(v),
	}
	claim := v.Spec.ClaimRef
	if claim == nil {
		return out, false
	}
	out.ClaimNamespace, out.ClaimName, out.ClaimUID = claim.Namespace, claim.Name, string(claim.UID)
	return out, true
}

// namespaces gets each namespace by its name, which needs no right in the whole
// cluster. One that does not exist is left out.
func (c *Client) namespaces(ctx context.Context, l *requestTracker, names []string) []plan.Namespace {
	found := make([]*plan.Namespace, len(names))
	g := newRequestGroup()
	for i, n := range names {
		g.Go(func() error {
			ns, err := c.typed.CoreV1().Namespaces().Get(ctx, n, metav1.GetOptions{})
			l.recordOutcome(err)
			switch {
			case err == nil:
				found[i] = &plan.Namespace{Name: n, Terminating: deletionOf(ns)}
			case !apierrors.IsNotFound(err):
				l.missOptional("namespaces "+n, err)
			}
			return nil
		})
	}
	_ = g.Wait()
	var out []plan.Namespace
	for _, ns := range found {
		if ns != nil {
			out = append(out, *ns)
		}
	}
	return out
}

// manifestKeys are the objects of the releases' manifests that are not in the
// facts.
func manifestKeys(f *plan.Facts) []plan.ObjectKey {
	tracked := f.Tracked()
	releases := slices.Clone(f.Releases)
	if f.Operator != nil {
		releases = append(releases, *f.Operator)
	}
	var keys []plan.ObjectKey
	for _, r := range releases {
		for _, o := range images.ParseObjects(r.Manifest) {
			k := plan.KeyOf(o, r.Namespace)
			if bare := withoutVersion(k); k.Kind != "" && k.Name != "" && !tracked[bare] {
				tracked[bare] = true
				keys = append(keys, k)
			}
		}
	}
	return keys
}

func withoutVersion(k plan.ObjectKey) plan.ObjectKey {
	k.APIVersion = ""
	return k
}

// marked gets the metadata of each object and returns those with a
// deletionTimestamp, sorted. What cannot be read is one gap for each resource
// and namespace.
func (c *Client) marked(ctx context.Context, l *requestTracker, keys []plan.ObjectKey) []plan.MarkedObject {
	var mu sync.Mutex
	var out []plan.MarkedObject
	refused := map[string]error{}
	g := newRequestGroup()
	for _, k := range keys {
		g.Go(func() error {
			m, what, err := c.objectMetadata(ctx, k)
			l.recordOutcome(err)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case apierrors.IsNotFound(err) || meta.IsNoMatchError(err):
			case err != nil:
				refused[what] = err
			case m.DeletionTimestamp != nil:
				out = append(out, plan.MarkedObject{ObjectKey: withoutVersion(k), Finalizers: m.Finalizers, Terminating: deletionOf(m)})
			}
			return nil
		})
	}
	_ = g.Wait()
	for what, err := range refused {
		l.missOptional(what, err)
	}
	slices.SortFunc(out, func(a, b plan.MarkedObject) int { return a.ObjectKey.Compare(b.ObjectKey) })
	return out
}

// objectMetadata reads an object without its content; what names its resource
// and namespace.
func (c *Client) objectMetadata(ctx context.Context, k plan.ObjectKey) (m *metav1.PartialObjectMetadata, what string, err error) {
	gv, err := schema.ParseGroupVersion(k.APIVersion)
	if err != nil {
		return nil, "rendered " + k.Kind, err
	}
	gvr, namespace := resourceOfKind(gv.WithKind(k.Kind)), k.Namespace
	if !builtIn(gv.Group) {
		mapper, err := c.mapper()
		if err != nil {
			return nil, "rendered " + gvr.Resource, err
		}
		found, err := mapper.RESTMapping(gv.WithKind(k.Kind).GroupKind(), gv.Version)
		if err != nil {
			return nil, "rendered " + gvr.Resource, err
		}
		if gvr = found.Resource; found.Scope.Name() == meta.RESTScopeNameRoot {
			namespace = ""
		}
	}
	what = "rendered " + gvr.Resource
	if namespace != "" {
		what += " in " + namespace
	}
	m, err = c.metadata.Resource(gvr).Namespace(namespace).Get(ctx, k.Name, metav1.GetOptions{})
	return m, what, err
}

// builtIn reports whether a group is one of Kubernetes' own, whose resources
// are the plurals of their kinds: no discovery is needed for them.
func builtIn(group string) bool {
	return !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io")
}

func resourceOfKind(gvk schema.GroupVersionKind) schema.GroupVersionResource {
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	return plural
}
