package cluster

import (
	"context"
	"fmt"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// fieldManager is the name under which Helm writes.
const fieldManager = "helm"

// Trials sends what the changes would make Helm send, as dry runs: each object
// that is rendered is created or patched exactly as Helm 3 does, and for each
// Deployment of the operator and each pool that restarts a pod with the images
// of the target is tried. Nothing is stored; the requests are bounded by the
// rendered objects. Of a way over stepping stones every chart is tried on what
// is there today; what an earlier chart makes anew on the way is skipped and
// says so. The result is sorted by the order of the changes, never nil.
func (c *Client) Trials(ctx context.Context, in *plan.Inputs, p *plan.Plan) []plan.Trial {
	t := &trials{client: c, in: in, plan: p, list: []*plan.Trial{}}
	mapper, err := c.mapper()
	if err != nil {
		return []plan.Trial{{ObjectKey: plan.ObjectKey{Kind: "APIResources"}, Outcome: plan.TrialUnknown, Cause: err.Error()}}
	}
	t.mapper = mapper
	g := parallel()
	for _, one := range t.all() {
		t.list = append(t.list, &one.result)
		g.Go(func() error {
			one.run(ctx)
			return nil
		})
	}
	_ = g.Wait()
	out := make([]plan.Trial, len(t.list))
	for i, r := range t.list {
		out[i] = *r
	}
	return out
}

// trials is what one round of dry runs shares.
type trials struct {
	client *Client
	in     *plan.Inputs
	plan   *plan.Plan
	mapper meta.RESTMapper
	list   []*plan.Trial

	once   sync.Once
	coming map[plan.ObjectKey]bool // what the changes render, without versions
}

// trial is one dry run to be.
type trial struct {
	*trials
	change   *plan.Change
	original images.Object // of the installed manifest; nil where it is new
	target   images.Object
	anew     string // the earlier chart that deletes what is there today
	pod      *podTrial
	result   plan.Trial
}

// all lists the dry runs in their order.
func (t *trials) all() []*trial {
	var list []*trial
	for i := range t.in.Operator {
		list = append(list, t.objects(t.in.Operator[:i], &t.in.Operator[i], t.in.Operator[0].Before)...)
	}
	for i := range t.in.Stores {
		list = append(list, t.objects(nil, &t.in.Stores[i], t.in.Stores[i].Before)...)
	}
	return append(list, t.pods()...)
}

// objects are those that a change renders, after the earlier changes of the
// same release.
func (t *trials) objects(earlier []plan.Change, c *plan.Change, installed []images.Object) []*trial {
	if c.Unchanged {
		return nil
	}
	was := byKey(installed, c.Namespace)
	var list []*trial
	for _, o := range c.After {
		k := plan.KeyOf(o, c.Namespace)
		list = append(list, &trial{trials: t, change: c, original: was[versionless(k)], target: o, anew: madeAnew(earlier, was, versionless(k)),
			result: plan.Trial{ObjectKey: k, Change: c.Key() + " to " + c.To.String()}})
	}
	return list
}

func byKey(objects []images.Object, namespace string) map[plan.ObjectKey]images.Object {
	m := make(map[plan.ObjectKey]images.Object, len(objects))
	for _, o := range objects {
		m[versionless(plan.KeyOf(o, namespace))] = o
	}
	return m
}

// madeAnew is the earlier chart that deletes an installed object, so that a
// later one makes it again; empty where none does.
func madeAnew(earlier []plan.Change, installed map[plan.ObjectKey]images.Object, k plan.ObjectKey) string {
	if installed[k] == nil {
		return ""
	}
	for _, c := range earlier {
		if byKey(c.After, c.Namespace)[k] == nil {
			return c.To.String()
		}
	}
	return ""
}

func versionless(k plan.ObjectKey) plan.ObjectKey {
	gv, _ := schema.ParseGroupVersion(k.APIVersion)
	k.APIVersion = gv.Group
	return k
}

// comes reports whether the changes bring an object.
func (t *trials) comes(k plan.ObjectKey) bool {
	t.once.Do(func() {
		t.coming = map[plan.ObjectKey]bool{}
		for _, list := range [][]plan.Change{t.in.Operator, t.in.Stores} {
			for _, c := range list {
				for _, o := range c.After {
					t.coming[versionless(plan.KeyOf(o, c.Namespace))] = true
				}
			}
		}
	})
	return t.coming[versionless(k)]
}

func (t *trial) end(outcome plan.TrialOutcome, format string, args ...any) {
	t.result.Outcome, t.result.Cause = outcome, redact.Text(fmt.Sprintf(format, args...))
}

func (t *trial) run(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil { // an object of a form that nobody expects
			t.end(plan.TrialUnknown, "the dry run itself broke: %v", p)
		}
	}()
	if t.pod != nil {
		t.tryPod(ctx)
		return
	}
	if t.anew != "" {
		t.end(plan.TrialSkipped, "%s deletes it on the way, and it is made again", t.anew)
		return
	}
	resource, namespace, ok := t.resource()
	if !ok {
		return
	}
	live, err := resource.Get(ctx, t.result.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		t.tryCreate(ctx, resource, namespace)
	case err != nil:
		t.end(plan.TrialUnknown, "reading it: %v", err)
	default:
		t.tryPatch(ctx, resource, namespace, live)
	}
}

// resource finds where the object lives, or ends the trial.
func (t *trial) resource() (dynamic.ResourceInterface, string, bool) {
	gv, err := schema.ParseGroupVersion(t.result.APIVersion)
	if err != nil {
		t.end(plan.TrialRefused, "reading apiVersion %q: %v", t.result.APIVersion, err)
		return nil, "", false
	}
	m, err := t.mapper.RESTMapping(gv.WithKind(t.result.Kind).GroupKind(), gv.Version)
	switch {
	case meta.IsNoMatchError(err) && t.defined(gv.Group, t.result.Kind):
		t.end(plan.TrialSkipped, "its kind comes with this upgrade")
		return nil, "", false
	case meta.IsNoMatchError(err):
		t.end(plan.TrialRefused, "the server knows no kind %s in %s", t.result.Kind, t.result.APIVersion)
		return nil, "", false
	case err != nil:
		t.end(plan.TrialUnknown, "asking for its kind: %v", err)
		return nil, "", false
	}
	if m.Scope.Name() == meta.RESTScopeNameRoot {
		return t.client.dynamic.Resource(m.Resource), "", true
	}
	ns := t.result.Namespace
	return t.client.dynamic.Resource(m.Resource).Namespace(ns), ns, true
}

// defined reports whether the changes bring the definition of a kind.
func (t *trial) defined(group, kind string) bool {
	for _, list := range [][]plan.Change{t.in.Operator, t.in.Stores} {
		for _, c := range list {
			for _, o := range c.After {
				if o["kind"] != "CustomResourceDefinition" {
					continue
				}
				g, _, _ := unstructured.NestedString(o, "spec", "group")
				k, _, _ := unstructured.NestedString(o, "spec", "names", "kind")
				if g == group && k == kind {
					return true
				}
			}
		}
	}
	return false
}
