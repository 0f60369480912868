package cluster

import (
	"context"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// podDryRun is a pod to be tried.
type podDryRun struct {
	// live names the pod that is copied; empty where the pod is made from a
	// Deployment's template.
	live string
	// replaces says that the pod comes only after the one it replaces has
	// gone, which frees what that one took of a quota.
	replaces bool
}

func podResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: "pods"}
}

// podRuns are one for each Deployment of the operator's target and one for each
// pool of a store that restarts.
func (t *dryRuns) podRuns() []*dryRun {
	var list []*dryRun
	if n := len(t.inputs.Operator); n > 0 && !t.inputs.Operator[n-1].Unchanged {
		list = t.deploymentRuns(&t.inputs.Operator[n-1])
	}
	seen := map[string]bool{}
	for _, s := range t.plan.Steps {
		for _, r := range s.Restarts {
			if !seen[r.Store] {
				seen[r.Store] = true
				list = append(list, t.poolRuns(r.Store, s)...)
			}
		}
	}
	return list
}

func (t *dryRuns) deploymentRuns(c *plan.Change) []*dryRun {
	var list []*dryRun
	for _, o := range c.After {
		if o["kind"] != "Deployment" {
			continue
		}
		k := plan.KeyOf(o, c.Namespace)
		strategy, _, _ := unstructured.NestedString(o, "spec", "strategy", "type")
		running := false
		for _, w := range t.inputs.Facts.Workloads {
			running = running || w.Kind == "Deployment" && w.Namespace == k.Namespace && w.Name == k.Name
		}
		template, _, _ := unstructured.NestedMap(deepCopyObject(o), "spec", "template")
		if template == nil {
			continue
		}
		pod := &unstructured.Unstructured{Object: template}
		pod.SetAPIVersion("v1")
		pod.SetKind("Pod")
		pod.SetNamespace(k.Namespace)
		pod.SetGenerateName(k.Name + "-")
		list = append(list, &dryRun{dryRuns: t, change: c, target: pod.Object, pod: &podDryRun{replaces: running && strategy == "Recreate"},
			result: plan.DryRun{ObjectKey: k, Pod: true, Change: c.Key() + " to " + c.To.String()}})
	}
	return list
}

func (t *dryRuns) poolRuns(store string, s plan.Step) []*dryRun {
	var list []*dryRun
	for _, st := range t.inputs.Facts.Stores {
		if st.Key() != store {
			continue
		}
		for _, pool := range st.Pools {
			for _, p := range t.inputs.Facts.Pods {
				if p.Store == store && p.Owner == "StatefulSet/"+pool.StatefulSet && p.Terminating.IsZero() {
					to := ""
					if s.To != nil {
						to = " to " + s.To.String()
					}
					list = append(list, &dryRun{dryRuns: t, pod: &podDryRun{live: p.Name, replaces: true},
						result: plan.DryRun{ObjectKey: plan.ObjectKey{APIVersion: "v1", Kind: "Pod", Namespace: p.Namespace, Name: p.Name}, Pod: true, Change: s.Target + to}})
					break
				}
			}
		}
	}
	return list
}

func (t *dryRun) dryRunPod(ctx context.Context) {
	pods := t.client.dynamic.Resource(podResource()).Namespace(t.result.Namespace)
	pod := &unstructured.Unstructured{Object: t.target}
	if t.pod.live != "" {
		live, err := pods.Get(ctx, t.pod.live, metav1.GetOptions{})
		if err != nil {
			t.setOutcome(plan.DryRunUnknown, "reading the pod to copy: %v", err)
			return
		}
		pod = t.copyLivePod(live)
	}
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: fieldManager}
	_, err := pods.Create(ctx, pod, dry)
	if account, missing := missingAccount(err, pod); missing && t.rendersObject(plan.ObjectKey{APIVersion: "v1", Kind: "ServiceAccount", Namespace: t.result.Namespace, Name: account}) {
		unstructured.RemoveNestedField(pod.Object, "spec", "serviceAccount")
		unstructured.RemoveNestedField(pod.Object, "spec", "serviceAccountName")
		_, err = pods.Create(ctx, pod, dry)
	}
	switch {
	case apierrors.IsAlreadyExists(err):
		// Everything admitted it; only its name is taken, by the pod that it
		// is to replace.
		err = nil
	case t.pod.replaces && fitsAfterReplacement(err):
		t.checkQuotas(ctx)
		return
	}
	t.recordResponse(err)
}

// copyLivePod is a live pod as its controller would make it again, under its own
// name, with the images of the target.
func (t *dryRun) copyLivePod(live *unstructured.Unstructured) *unstructured.Unstructured {
	pod := &unstructured.Unstructured{Object: deepCopyObject(live.Object)}
	for _, f := range []string{"resourceVersion", "uid", "creationTimestamp", "managedFields", "selfLink", "generation", "deletionTimestamp"} {
		unstructured.RemoveNestedField(pod.Object, "metadata", f)
	}
	for _, f := range []string{"nodeName", "ephemeralContainers"} {
		unstructured.RemoveNestedField(pod.Object, "spec", f)
	}
	unstructured.RemoveNestedField(pod.Object, "status")
	token := func(m map[string]any) bool {
		s, _ := m["name"].(string)
		return strings.HasPrefix(s, "kube-api-access-") // admission adds a new one
	}
	removeElements(pod.Object, token, "spec", "volumes")
	for _, kind := range []string{"containers", "initContainers"} {
		list, _, _ := unstructured.NestedSlice(pod.Object, "spec", kind)
		for _, e := range list {
			c, _ := e.(map[string]any)
			removeElements(c, token, "volumeMounts")
			if image, _ := c["image"].(string); image != "" {
				c["image"] = t.plannedImage(image)
			}
		}
		if list != nil {
			_ = unstructured.SetNestedSlice(pod.Object, list, "spec", kind)
		}
	}
	return pod
}

func removeElements(o map[string]any, drop func(map[string]any) bool, path ...string) {
	list, found, _ := unstructured.NestedSlice(o, path...)
	if !found {
		return
	}
	kept := []any{}
	for _, e := range list {
		if m, ok := e.(map[string]any); !ok || !drop(m) {
			kept = append(kept, e)
		}
	}
	_ = unstructured.SetNestedSlice(o, kept, path...)
}

// plannedImage is what a container will run: the planned image of the same name that
// this namespace pulls, else what it runs now.
func (t *dryRun) plannedImage(now string) string {
	ref, err := images.ParseRef(now)
	if err != nil {
		return now
	}
	best := ""
	for _, p := range t.plan.Images {
		if lastPart(p.Private.Path) != lastPart(ref.Path) {
			continue
		}
		for _, ns := range p.Namespaces {
			if ns == t.result.Namespace && (best == "" || p.IsRequired()) {
				best = p.Private.String()
			}
		}
	}
	if best == "" {
		return now
	}
	return best
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// missingAccount is the service account that a refusal says does not exist.
func missingAccount(err error, pod *unstructured.Unstructured) (string, bool) {
	account, _, _ := unstructured.NestedString(pod.Object, "spec", "serviceAccountName")
	return account, err != nil && account != "" && strings.Contains(err.Error(), "error looking up service account")
}
