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

// DryRunChanges sends what the changes would make Helm send, as dry runs: each object
// that is rendered is created or patched exactly as Helm 3 does, and for each
// Deployment of the operator and each pool that restarts a pod with the images
// of the target is tried. Nothing is stored; the requests are bounded by the
// rendered objects. With intermediate versions every chart is tried on what
// is there today; what an earlier chart makes again on the way is skipped and
// says so. The result is sorted by the order of the changes, never nil.
func (c *Client) DryRunChanges(ctx context.Context, in *plan.Inputs, p *plan.Plan) []plan.DryRun {
	t := &dryRuns{client: c, inputs: in, plan: p, list: []*plan.DryRun{}}
	mapper, err := c.mapper()
	if err != nil {
		return []plan.DryRun{{ObjectKey: plan.ObjectKey{Kind: "APIResources"}, Outcome: plan.DryRunUnknown, Cause: err.Error()}}
	}
	t.mapper = mapper
	g := newRequestGroup()
	for _, one := range t.buildRuns() {
		t.list = append(t.list, &one.result)
		g.Go(func() error {
			one.sendRequest(ctx)
			return nil
		})
	}
	_ = g.Wait()
	out := make([]plan.DryRun, len(t.list))
	for i, r := range t.list {
		out[i] = *r
	}
	return out
}

// dryRuns is what one round of dry runs shares.
type dryRuns struct {
	client *Client
	inputs *plan.Inputs
	plan   *plan.Plan
	mapper meta.RESTMapper
	list   []*plan.DryRun

	renderedOnce sync.Once
	rendered     map[plan.ObjectKey]bool // what the changes render, without versions
}

// dryRun is one dry run to be.
type dryRun struct {
	*dryRuns
	change      *plan.Change
	original    images.Object // of the installed manifest; nil where it is new
	target      images.Object
	recreatedBy string // the earlier chart that deletes what is there today
	pod         *podDryRun
	result      plan.DryRun
}

// buildRuns lists the dry runs in their order.
func (t *dryRuns) buildRuns() []*dryRun {
	var list []*dryRun
	for i := range t.inputs.Operator {
		list = append(list, t.objectRuns(t.inputs.Operator[:i], &t.inputs.Operator[i], t.inputs.Operator[0].Before)...)
	}
	for i := range t.inputs.Stores {
		list = append(list, t.objectRuns(nil, &t.inputs.Stores[i], t.inputs.Stores[i].Before)...)
	}
	return append(list, t.podRuns()...)
}

// objectRuns are those that a change renders, after the earlier changes of the
// same release.
func (t *dryRuns) objectRuns(earlier []plan.Change, c *plan.Change, installed []images.Object) []*dryRun {
	if c.Unchanged {
		return nil
	}
	was := objectsByKey(installed, c.Namespace)
	var list []*dryRun
	for _, o := range c.After {
		k := plan.KeyOf(o, c.Namespace)
		list = append(list, &dryRun{dryRuns: t, change: c, original: was[groupOnly(k)], target: o, recreatedBy: recreatingChart(earlier, was, groupOnly(k)),
			result: plan.DryRun{ObjectKey: k, Change: c.Key() + " to " + c.To.String()}})
	}
	return list
}

func objectsByKey(objects []images.Object, namespace string) map[plan.ObjectKey]images.Object {
	m := make(map[plan.ObjectKey]images.Object, len(objects))
	for _, o := range objects {
		m[groupOnly(plan.KeyOf(o, namespace))] = o
	}
	return m
}

// recreatingChart is the earlier chart that deletes an installed object, so that a
// later one makes it again; empty where none does.
func recreatingChart(earlier []plan.Change, installed map[plan.ObjectKey]images.Object, k plan.ObjectKey) string {
	if installed[k] == nil {
		return ""
	}
	for _, c := range earlier {
		if objectsByKey(c.After, c.Namespace)[k] == nil {
			return c.To.String()
		}
	}
	return ""
}

func groupOnly(k plan.ObjectKey) plan.ObjectKey {
	gv, _ := schema.ParseGroupVersion(k.APIVersion)
	k.APIVersion = gv.Group
	return k
}

// rendersObject reports whether the changes render an object.
func (t *dryRuns) rendersObject(k plan.ObjectKey) bool {
	t.renderedOnce.Do(func() {
		t.rendered = map[plan.ObjectKey]bool{}
		for _, list := range [][]plan.Change{t.inputs.Operator, t.inputs.Stores} {
			for _, c := range list {
				for _, o := range c.After {
					t.rendered[groupOnly(plan.KeyOf(o, c.Namespace))] = true
				}
			}
		}
	})
	return t.rendered[groupOnly(k)]
}

func (t *dryRun) setOutcome(outcome plan.DryRunOutcome, format string, args ...any) {
	t.result.Outcome, t.result.Cause = outcome, redact.Text(fmt.Sprintf(format, args...))
}

func (t *dryRun) sendRequest(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil { // an object of a form that nobody expects
			t.setOutcome(plan.DryRunUnknown, "internal error in dry run: %v", p)
		}
	}()
	if t.pod != nil {
		t.dryRunPod(ctx)
		return
	}
	if t.recreatedBy != "" {
		t.setOutcome(plan.DryRunSkipped, "%s deletes it, and a later chart creates it again", t.recreatedBy)
		return
	}
	resource, namespace, ok := t.resolveResource()
	if !ok {
		return
	}
	live, err := resource.Get(ctx, t.result.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		t.dryRunCreate(ctx, resource, namespace)
	case err != nil:
		t.setOutcome(plan.DryRunUnknown, "reading it: %v", err)
	default:
		t.dryRunPatch(ctx, resource, namespace, live)
	}
}

// resolveResource finds where the object lives, or ends the trial.
func (t *dryRun) resolveResource() (dynamic.ResourceInterface, string, bool) {
	gv, err := schema.ParseGroupVersion(t.result.APIVersion)
	if err != nil {
		t.setOutcome(plan.DryRunRefused, "reading apiVersion %q: %v", t.result.APIVersion, err)
		return nil, "", false
	}
	m, err := t.mapper.RESTMapping(gv.WithKind(t.result.Kind).GroupKind(), gv.Version)
	switch {
	case meta.IsNoMatchError(err) && t.rendersCRD(gv.Group, t.result.Kind):
		t.setOutcome(plan.DryRunSkipped, "its CRD is installed by this upgrade")
		return nil, "", false
	case meta.IsNoMatchError(err):
		t.setOutcome(plan.DryRunRefused, "the server has no kind %s in %s", t.result.Kind, t.result.APIVersion)
		return nil, "", false
	case err != nil:
		t.setOutcome(plan.DryRunUnknown, "reading API resources: %v", err)
		return nil, "", false
	}
	if m.Scope.Name() == meta.RESTScopeNameRoot {
		return t.client.dynamic.Resource(m.Resource), "", true
	}
	ns := t.result.Namespace
	return t.client.dynamic.Resource(m.Resource).Namespace(ns), ns, true
}

// rendersCRD reports whether the changes bring the definition of a kind.
func (t *dryRun) rendersCRD(group, kind string) bool {
	for _, list := range [][]plan.Change{t.inputs.Operator, t.inputs.Stores} {
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
