package cluster

import (
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func convertNode(n *corev1.Node) (plan.Node, bool) {
	out := plan.Node{
		Name:     n.Name,
		Platform: n.Status.NodeInfo.OperatingSystem + "/" + n.Status.NodeInfo.Architecture,
		Cordoned: n.Spec.Unschedulable, Terminating: deletionOf(n),
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			out.Ready = c.Status == corev1.ConditionTrue
		}
	}
	for _, t := range n.Spec.Taints {
		out.Taints = append(out.Taints, t.ToString())
	}
	return out, true
}

// serviceInfo is a Service with what tells whose it is.
type serviceInfo struct {
	plan.Service
	ownership
	owner    string            // the ObjectStore of its owner reference
	selector map[string]string // the labels of the pods behind it
}

func convertService(s *corev1.Service) (serviceInfo, bool) {
	out := serviceInfo{
		Service:   plan.Service{Namespace: s.Namespace, Name: s.Name, Type: string(s.Spec.Type), Terminating: deletionOf(s)},
		ownership: ownershipOf(s), owner: storeOwner(s), selector: s.Spec.Selector,
	}
	for _, p := range s.Spec.Ports {
		out.Ports = append(out.Ports, int(p.Port))
	}
	return out, true
}

// endpointsInfo are the ready endpoints of one slice. They are named by their
// pod, so that a dual-stack service's slices don't count twice.
type endpointsInfo struct {
	service namespacedName
	ready   []string
}

func convertEndpointSlice(s *discoveryv1.EndpointSlice) (endpointsInfo, bool) {
	out := endpointsInfo{service: namespacedName{s.Namespace, s.Labels[discoveryv1.LabelServiceName]}}
	for _, e := range s.Endpoints {
		// Unset means ready: the API says so.
		if (e.Conditions.Ready != nil && !*e.Conditions.Ready) || len(e.Addresses) == 0 {
			continue
		}
		id := e.Addresses[0]
		if e.TargetRef != nil {
			id = e.TargetRef.Kind + "/" + e.TargetRef.Name
		}
		out.ready = append(out.ready, id)
	}
	return out, out.service.name != ""
}

// convertServiceAccount keeps the account's own pull secrets.
func convertServiceAccount(a *corev1.ServiceAccount) (plan.ServiceAccount, bool) {
	return plan.ServiceAccount{Namespace: a.Namespace, Name: a.Name, PullSecrets: pullSecretRefs(a.ImagePullSecrets), Terminating: deletionOf(a)}, true
}

func convertClusterRoleBinding(b *rbacv1.ClusterRoleBinding) (plan.Binding, bool) {
	return convertBinding(b, "ClusterRoleBinding", b.RoleRef)
}

func convertRoleBinding(b *rbacv1.RoleBinding) (plan.Binding, bool) {
	return convertBinding(b, "RoleBinding", b.RoleRef)
}

// convertBinding keeps what some Helm release owns, or what the operator chart would
// create: whose release it is can only be told later.
func convertBinding(o metav1.Object, kind string, role rbacv1.RoleRef) (plan.Binding, bool) {
	m := ownershipOf(o)
	out := plan.Binding{
		ObjectKey: plan.ObjectKey{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: kind,
			Namespace: o.GetNamespace(), Name: o.GetName()},
		RoleKind: role.Kind, RoleName: role.Name, Release: m.release.String(), Terminating: deletionOf(o),
	}
	return out, m.release.name != "" || isChartBinding(out.Name)
}

// isChartBinding reports whether a binding is named as the operator chart names
// its own.
func isChartBinding(n string) bool {
	return strings.HasPrefix(n, "aistor") ||
		slices.Contains([]string{aistor.DeploymentAdminJob, aistor.DeploymentObjectStore, aistor.DeploymentWebhook}, n)
}

// webhooksInfo are the webhooks of one configuration.
type webhooksInfo struct {
	ownership
	hooks []plan.Webhook
}

func convertWebhooks(m *admissionv1.MutatingWebhookConfiguration) (webhooksInfo, bool) {
	out := webhooksInfo{ownership: ownershipOf(m)}
	for _, w := range m.Webhooks {
		if m.Name != aistor.WebhookConfiguration && !strings.HasSuffix(w.Name, ".min.io") {
			continue
		}
		hook := plan.Webhook{Configuration: m.Name, Name: w.Name, CABundle: len(w.ClientConfig.CABundle), Terminating: deletionOf(m)}
		if w.FailurePolicy != nil {
			hook.FailurePolicy = string(*w.FailurePolicy)
		}
		if s := w.ClientConfig.Service; s != nil {
			hook.Service = s.Namespace + "/" + s.Name
		}
		out.hooks = append(out.hooks, hook)
	}
	return out, len(out.hooks) > 0
}

func convertEvent(e *corev1.Event) (plan.Event, bool) {
	out := plan.Event{
		Object: plan.ObjectKey{APIVersion: e.InvolvedObject.APIVersion, Kind: e.InvolvedObject.Kind,
			Namespace: e.InvolvedObject.Namespace, Name: e.InvolvedObject.Name},
		Reason: e.Reason, Message: redact.Text(e.Message), Count: int(e.Count),
	}
	last := e.CreationTimestamp.Time
	for _, t := range []time.Time{e.EventTime.Time, e.FirstTimestamp.Time, e.LastTimestamp.Time} {
		if t.After(last) {
			last = t
		}
	}
	if e.Series != nil {
		out.Count = int(e.Series.Count)
		if e.Series.LastObservedTime.After(last) {
			last = e.Series.LastObservedTime.Time
		}
	}
	out.Count, out.Last = max(out.Count, 1), last.UTC()
	return out, e.Type == corev1.EventTypeWarning
}

// crdInfo is a definition with its owners.
type crdInfo struct {
	plan.CRD
	ownership
}

// convertCRD converts a definition of AIStor's.
func convertCRD(u *unstructured.Unstructured) crdInfo {
	u.SetManagedFields(nil)
	out := crdInfo{ownership: ownershipOf(u)}
	out.CRD = plan.CRD{
		Name:    u.GetName(),
		Keep:    u.GetAnnotations()[helmKeep] == "keep",
		Release: out.release.String(),
		Object:  images.Object(u.Object),

		Terminating: deletionOf(u),
	}
	versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
	for _, v := range versions {
		if m, ok := v.(map[string]any); ok && m["served"] == true {
			n, _ := m["name"].(string)
			out.Served = append(out.Served, n)
		}
	}
	out.Stored, _, _ = unstructured.NestedStringSlice(u.Object, "status", "storedVersions")
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == "Established" {
			out.Established = m["status"] == "True"
		}
	}
	return out
}
