package cluster

import (
	"context"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

// unpackList takes a typed list apart. items is only called where err is nil.
func unpackList[L metav1.ListInterface, T any](list L, err error, items func(L) []T) ([]T, string, error) {
	if err != nil {
		return nil, "", err
	}
	return items(list), list.GetContinue(), nil
}

func nodeLister(k kubernetes.Interface) pageLister[corev1.Node] {
	return func(ctx context.Context, _ string, o metav1.ListOptions) ([]corev1.Node, string, error) {
		l, err := k.CoreV1().Nodes().List(ctx, o)
		return unpackList(l, err, func(l *corev1.NodeList) []corev1.Node { return l.Items })
	}
}

func podLister(k kubernetes.Interface) pageLister[corev1.Pod] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]corev1.Pod, string, error) {
		l, err := k.CoreV1().Pods(ns).List(ctx, o)
		return unpackList(l, err, func(l *corev1.PodList) []corev1.Pod { return l.Items })
	}
}

func deploymentLister(k kubernetes.Interface) pageLister[appsv1.Deployment] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]appsv1.Deployment, string, error) {
		l, err := k.AppsV1().Deployments(ns).List(ctx, o)
		return unpackList(l, err, func(l *appsv1.DeploymentList) []appsv1.Deployment { return l.Items })
	}
}

func statefulSetLister(k kubernetes.Interface) pageLister[appsv1.StatefulSet] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]appsv1.StatefulSet, string, error) {
		l, err := k.AppsV1().StatefulSets(ns).List(ctx, o)
		return unpackList(l, err, func(l *appsv1.StatefulSetList) []appsv1.StatefulSet { return l.Items })
	}
}

func serviceLister(k kubernetes.Interface) pageLister[corev1.Service] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]corev1.Service, string, error) {
		l, err := k.CoreV1().Services(ns).List(ctx, o)
		return unpackList(l, err, func(l *corev1.ServiceList) []corev1.Service { return l.Items })
	}
}

func endpointSliceLister(k kubernetes.Interface) pageLister[discoveryv1.EndpointSlice] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]discoveryv1.EndpointSlice, string, error) {
		l, err := k.DiscoveryV1().EndpointSlices(ns).List(ctx, o)
		return unpackList(l, err, func(l *discoveryv1.EndpointSliceList) []discoveryv1.EndpointSlice { return l.Items })
	}
}

func claimLister(k kubernetes.Interface) pageLister[corev1.PersistentVolumeClaim] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]corev1.PersistentVolumeClaim, string, error) {
		l, err := k.CoreV1().PersistentVolumeClaims(ns).List(ctx, o)
		return unpackList(l, err, func(l *corev1.PersistentVolumeClaimList) []corev1.PersistentVolumeClaim { return l.Items })
	}
}

func volumes(k kubernetes.Interface) pageLister[corev1.PersistentVolume] {
	return func(ctx context.Context, _ string, o metav1.ListOptions) ([]corev1.PersistentVolume, string, error) {
		l, err := k.CoreV1().PersistentVolumes().List(ctx, o)
		return unpackList(l, err, func(l *corev1.PersistentVolumeList) []corev1.PersistentVolume { return l.Items })
	}
}

func disruptionBudgetLister(k kubernetes.Interface) pageLister[policyv1.PodDisruptionBudget] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]policyv1.PodDisruptionBudget, string, error) {
		l, err := k.PolicyV1().PodDisruptionBudgets(ns).List(ctx, o)
		return unpackList(l, err, func(l *policyv1.PodDisruptionBudgetList) []policyv1.PodDisruptionBudget { return l.Items })
	}
}

func serviceAccountLister(k kubernetes.Interface) pageLister[corev1.ServiceAccount] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]corev1.ServiceAccount, string, error) {
		l, err := k.CoreV1().ServiceAccounts(ns).List(ctx, o)
		return unpackList(l, err, func(l *corev1.ServiceAccountList) []corev1.ServiceAccount { return l.Items })
	}
}

func roleBindingLister(k kubernetes.Interface) pageLister[rbacv1.RoleBinding] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]rbacv1.RoleBinding, string, error) {
		l, err := k.RbacV1().RoleBindings(ns).List(ctx, o)
		return unpackList(l, err, func(l *rbacv1.RoleBindingList) []rbacv1.RoleBinding { return l.Items })
	}
}

func clusterRoleBindingLister(k kubernetes.Interface) pageLister[rbacv1.ClusterRoleBinding] {
	return func(ctx context.Context, _ string, o metav1.ListOptions) ([]rbacv1.ClusterRoleBinding, string, error) {
		l, err := k.RbacV1().ClusterRoleBindings().List(ctx, o)
		return unpackList(l, err, func(l *rbacv1.ClusterRoleBindingList) []rbacv1.ClusterRoleBinding { return l.Items })
	}
}

func webhookLister(k kubernetes.Interface) pageLister[admissionv1.MutatingWebhookConfiguration] {
	return func(ctx context.Context, _ string, o metav1.ListOptions) ([]admissionv1.MutatingWebhookConfiguration, string, error) {
		l, err := k.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, o)
		return unpackList(l, err, func(l *admissionv1.MutatingWebhookConfigurationList) []admissionv1.MutatingWebhookConfiguration {
			return l.Items
		})
	}
}

func eventLister(k kubernetes.Interface) pageLister[corev1.Event] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]corev1.Event, string, error) {
		l, err := k.CoreV1().Events(ns).List(ctx, o)
		return unpackList(l, err, func(l *corev1.EventList) []corev1.Event { return l.Items })
	}
}

func storeLister(d dynamic.Interface) pageLister[unstructured.Unstructured] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]unstructured.Unstructured, string, error) {
		l, err := d.Resource(aistor.ObjectStoreGVR()).Namespace(ns).List(ctx, o)
		return unpackList(l, err, func(l *unstructured.UnstructuredList) []unstructured.Unstructured { return l.Items })
	}
}

// metadataLister lists objects without their content.
func metadataLister(m metadata.Interface, gvr schema.GroupVersionResource) pageLister[metav1.PartialObjectMetadata] {
	return func(ctx context.Context, ns string, o metav1.ListOptions) ([]metav1.PartialObjectMetadata, string, error) {
		l, err := m.Resource(gvr).Namespace(ns).List(ctx, o)
		return unpackList(l, err, func(l *metav1.PartialObjectMetadataList) []metav1.PartialObjectMetadata { return l.Items })
	}
}
