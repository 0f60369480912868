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

func (t *dryRun) dryRunCreate(ctx context.Context, resource dynamic.ResourceInterface, namespace string) {
	if namespace != "" && t.rendersObject(plan.ObjectKey{APIVersion: "v1", Kind: "Namespace", Name: namespace}) {
		t.setOutcome(plan.DryRunSkipped, "its namespace is created by this upgrade")
		return
	}
	if role, ok := t.referencedRole(); ok && t.rendersObject(role) {
		// Bind permissions are checked with the plan's permissions.
		t.setOutcome(plan.DryRunSkipped, "%s is created by this upgrade", role)
		return
	}
	_, err := resource.Create(ctx, t.helmObject(t.target, namespace), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: fieldManager})
	t.recordResponse(err)
}

func (t *dryRun) dryRunPatch(ctx context.Context, resource dynamic.ResourceInterface, namespace string, live *unstructured.Unstructured) {
	if t.original == nil {
		if owner, ok := t.isAdoptable(live); !ok {
			t.setOutcome(plan.DryRunRefused, "it exists and %s, so Helm cannot adopt it into release %s", owner, t.change.Key())
			return
		}
	}
	if t.bindsNewRole(live) {
		t.setOutcome(plan.DryRunSkipped, "its role changes; see check roleref-immutable")
		return
	}
	original := t.target // Helm compares what it adopts with itself
	if t.original != nil {
		original = t.original
	}
	old := &unstructured.Unstructured{Object: deepCopyObject(original)}
	if namespace != "" && old.GetNamespace() == "" {
		old.SetNamespace(namespace)
	}
	patch, kind, err := helmPatch(old, t.helmObject(t.target, namespace), live)
	switch {
	case err != nil:
		t.setOutcome(plan.DryRunUnknown, "creating the patch:  %v", err)
		return
	case len(patch) == 0 || string(patch) == "{}":
		t.setOutcome(plan.DryRunAccepted, "")
		return
	}
	_, err = resource.Patch(ctx, t.result.Name, kind, patch, metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: fieldManager})
	t.recordResponse(err)
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
func (t *dryRun) helmObject(o images.Object, namespace string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: deepCopyObject(o)}
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

// isAdoptable reports whether Helm would adopt a live object that the installed
// manifest lacks, and whose it is otherwise.
func (t *dryRun) isAdoptable(live *unstructured.Unstructured) (string, bool) {
	m := ownershipOf(live)
	want := namespacedName{t.change.Namespace, t.change.Release}
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

// referencedRole is the role that a binding refers to.
func (t *dryRun) referencedRole() (plan.ObjectKey, bool) {
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

func (t *dryRun) bindsNewRole(live *unstructured.Unstructured) bool {
	role, ok := t.referencedRole()
	if !ok {
		return false
	}
	kind, _, _ := unstructured.NestedString(live.Object, "roleRef", "kind")
	is, _, _ := unstructured.NestedString(live.Object, "roleRef", "name")
	return kind != role.Kind || is != role.Name
}

// aistorWebhooks is what the names of AIStor's own webhooks end in.
const aistorWebhooks = ".min.io\""

// recordResponse converts the server's response into an outcome.
func (t *dryRun) recordResponse(err error) {
	if err == nil {
		t.setOutcome(plan.DryRunAccepted, "")
		return
	}
	if strings.Contains(err.Error(), "failed calling webhook") && strings.Contains(err.Error(), aistorWebhooks) {
		t.setOutcome(plan.DryRunSkipped, "the AIStor webhook does not respond; see check webhook-ready")
		return
	}
	outcome := outcomeOf(err)
	if t.result.Kind == "Secret" && outcome == plan.DryRunRefused {
		t.setOutcome(outcome, "the server answered: %s", apierrors.ReasonForError(err)) // its text may quote the content
		return
	}
	t.setOutcome(outcome, "%v", err)
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
func outcomeOf(err error) plan.DryRunOutcome {
	text := err.Error()
	switch {
	case apierrors.IsForbidden(err) && strings.Contains(text, "cannot ") && strings.Contains(text, " resource "):
		return plan.DryRunUnknown
	case strings.Contains(text, "does not support dry run"), strings.Contains(text, "failed calling webhook"):
		return plan.DryRunUnknown
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsNotFound(err),
		apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsMethodNotSupported(err), apierrors.IsRequestEntityTooLargeError(err):
		return plan.DryRunRefused
	}
	var status apierrors.APIStatus
	if s, ok := err.(apierrors.APIStatus); ok {
		status = s
	}
	// Webhooks may deny with any code.
	if status != nil && strings.Contains(text, "denied the request") {
		return plan.DryRunRefused
	}
	return plan.DryRunUnknown
}

// deepCopyObject is a deep copy of plain maps and lists.
func deepCopyObject(o images.Object) map[string]any {
	var out map[string]any
	if b, err := json.Marshal(o); err == nil {
		_ = json.Unmarshal(b, &out)
	}
	return out
}
