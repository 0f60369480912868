package cluster

import (
	"context"
	"encoding/json"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func (t *trial) tryCreate(ctx context.Context, resource dynamic.ResourceInterface, namespace string) {
	if namespace != "" && t.comes(plan.ObjectKey{APIVersion: "v1", Kind: "Namespace", Name: namespace}) {
		t.end(plan.TrialSkipped, "its namespace comes with this upgrade")
		return
	}
	if role, ok := t.role(); ok && t.comes(role) {
		// Who may bind it is judged by the rights that the plan lists.
		t.end(plan.TrialSkipped, "%s comes with this upgrade", role)
		return
	}
	_, err := resource.Create(ctx, t.helmObject(t.target, namespace), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: fieldManager})
	t.judge(err)
}

func (t *trial) tryPatch(ctx context.Context, resource dynamic.ResourceInterface, namespace string, live *unstructured.Unstructured) {
	if t.original == nil {
		if owner, ok := t.owned(live); !ok {
			t.end(plan.TrialRefused, "it exists and %s, so that Helm can't import it into release %s", owner, t.change.Key())
			return
		}
	}
	if t.bindsAnew(live) {
		t.end(plan.TrialSkipped, "its role changes, which check roleref-immutable judges")
		return
	}
	original := t.target // Helm compares what it adopts with itself
	if t.original != nil {
		original = t.original
	}
	old := &unstructured.Unstructured{Object: plainObject(original)}
	if namespace != "" && old.GetNamespace() == "" {
		old.SetNamespace(namespace)
	}
	patch, kind, err := helmPatch(old, t.helmObject(t.target, namespace), live)
	switch {
	case err != nil:
		t.end(plan.TrialUnknown, "making the patch: %v", err)
		return
	case len(patch) == 0 || string(patch) == "{}":
		t.end(plan.TrialAccepted, "")
		return
	}
	_, err = resource.Patch(ctx, t.result.Name, kind, patch, metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: fieldManager})
	t.judge(err)
}

// helmPatch is the patch that Helm 3 sends (pkg/kube/client.go, createPatch):
// three-way where the type is known, else a merge patch between the manifests
// alone.
func helmPatch(old, target, live *unstructured.Unstructured) ([]byte, types.PatchType, error) {
	oldData, err := json.Marshal(old.Object)
	if err != nil {
		return nil, "", err
	}
	newData, err := json.Marshal(target.Object)
	if err != nil {
		return nil, "", err
	}
	typed, err := scheme.Scheme.New(target.GroupVersionKind())
	if runtime.IsNotRegisteredError(err) {
		patch, err := jsonpatch.CreateMergePatch(oldData, newData)
		return patch, types.MergePatchType, err
	}
	if err != nil {
		return nil, "", err
	}
	liveData, err := json.Marshal(live.Object)
	if err != nil {
		return nil, "", err
	}
	about, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return nil, "", err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(oldData, newData, liveData, about, true)
	return patch, types.StrategicMergePatchType, err
}

// helmObject is a rendered object with what Helm adds to it.
func (t *trial) helmObject(o images.Object, namespace string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: plainObject(o)}
	if namespace != "" && u.GetNamespace() == "" {
		u.SetNamespace(namespace)
	}
	labels, annotations := u.GetLabels(), u.GetAnnotations()
	if labels == nil {
		labels = map[string]string{}
	}
	if annotations == nil {
		annotations = map[string]string{}
	}
	labels["app.kubernetes.io/managed-by"] = "Helm"
	annotations[helmRelease], annotations[helmReleaseNamespace] = t.change.Release, t.change.Namespace
	u.SetLabels(labels)
	u.SetAnnotations(annotations)
	return u
}

// owned reports whether Helm would adopt a live object that the installed
// manifest lacks, and whose it is otherwise.
func (t *trial) owned(live *unstructured.Unstructured) (string, bool) {
	m := markOf(live)
	want := name{t.change.Namespace, t.change.Release}
	switch {
	case m.release.name == "":
		return "belongs to no release", false
	case m.release != want:
		return "belongs to release " + m.release.String(), false
	case live.GetLabels()["app.kubernetes.io/managed-by"] != "Helm":
		return "lacks the label app.kubernetes.io/managed-by=Helm", false
	}
	return "", true
}

// role is the role that a binding refers to.
func (t *trial) role() (plan.ObjectKey, bool) {
	if k := t.result.Kind; k != "ClusterRoleBinding" && k != "RoleBinding" {
		return plan.ObjectKey{}, false
	}
	u := map[string]any(t.target)
	kind, _, _ := unstructured.NestedString(u, "roleRef", "kind")
	role, _, _ := unstructured.NestedString(u, "roleRef", "name")
	k := plan.ObjectKey{APIVersion: "rbac.authorization.k8s.io/v1", Kind: kind, Name: role}
	if kind == "Role" {
		k.Namespace = t.result.Namespace
	}
	return k, role != ""
}

func (t *trial) bindsAnew(live *unstructured.Unstructured) bool {
	role, ok := t.role()
	if !ok {
		return false
	}
	kind, _, _ := unstructured.NestedString(live.Object, "roleRef", "kind")
	is, _, _ := unstructured.NestedString(live.Object, "roleRef", "name")
	return kind != role.Kind || is != role.Name
}

// aistorWebhooks is what the names of AIStor's own webhooks end in.
const aistorWebhooks = ".min.io\""

// judge turns the server's answer into an outcome.
func (t *trial) judge(err error) {
	if err == nil {
		t.end(plan.TrialAccepted, "")
		return
	}
	if strings.Contains(err.Error(), "failed calling webhook") && strings.Contains(err.Error(), aistorWebhooks) {
		t.end(plan.TrialSkipped, "AIStor's own webhook does not answer, which check webhook-ready judges")
		return
	}
	outcome := outcomeOf(err)
	if t.result.Kind == "Secret" && outcome == plan.TrialRefused {
		t.end(outcome, "the server answered: %s", apierrors.ReasonForError(err)) // its text may quote the content
		return
	}
	t.end(outcome, "%v", err)
	if status, ok := err.(apierrors.APIStatus); ok && status.Status().Details != nil {
		for _, c := range status.Status().Details.Causes {
			if c.Field != "" && c.Field != "<nil>" {
				t.result.Fields = append(t.result.Fields, c.Field)
			}
		}
	}
}

// outcomeOf tells a refusal from a question that could not be asked: missing
// rights, webhooks that take no dry runs or don't answer, a server that is
// away.
func outcomeOf(err error) plan.TrialOutcome {
	text := err.Error()
	switch {
	case apierrors.IsForbidden(err) && strings.Contains(text, "cannot ") && strings.Contains(text, " resource "):
		return plan.TrialUnknown
	case strings.Contains(text, "does not support dry run"), strings.Contains(text, "failed calling webhook"):
		return plan.TrialUnknown
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsNotFound(err),
		apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsMethodNotSupported(err), apierrors.IsRequestEntityTooLargeError(err):
		return plan.TrialRefused
	}
	var status apierrors.APIStatus
	if s, ok := err.(apierrors.APIStatus); ok {
		status = s
	}
	// Webhooks may deny with any code.
	if status != nil && strings.Contains(text, "denied the request") {
		return plan.TrialRefused
	}
	return plan.TrialUnknown
}

// plainObject is a deep copy of plain maps and lists.
func plainObject(o images.Object) map[string]any {
	var out map[string]any
	if b, err := json.Marshal(o); err == nil {
		_ = json.Unmarshal(b, &out)
	}
	return out
}
