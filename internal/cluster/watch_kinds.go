package cluster

import (
	"context"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// startWatches begins every watch.
func (l *Watcher) startWatches(ctx context.Context, namespaces []string, scope Scope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ns := range namespaces {
		l.watchWorkloads(ctx, ns)
		l.followClaims(ctx, ns)
		l.watchServices(ctx, ns)
		if scope.Events {
			l.watchEvents(ctx, ns)
		}
	}
	if scope.SingleNamespace != "" {
		return // webhooks are the cluster's
	}
	hooks := l.client.typed.AdmissionregistrationV1().MutatingWebhookConfigurations()
	startReflector(ctx, l, watchSource[*admissionv1.MutatingWebhookConfigurationList]{
		resource: "mutatingwebhookconfigurations", list: hooks.List, watch: hooks.Watch,
	}, convertWebhooks, func(s *snapshot, all []webhooksInfo) { s.webhooks = append(s.webhooks, all...) })
}

func (l *Watcher) watchWorkloads(ctx context.Context, ns string) {
	k := l.client.typed
	objectStores := l.client.dynamic.Resource(aistor.ObjectStoreGVR()).Namespace(ns)
	startReflector(ctx, l, watchSource[*unstructured.UnstructuredList]{
		resource: "objectstores in " + ns, list: objectStores.List, watch: objectStores.Watch,
	}, convertStoreLenient, func(s *snapshot, all []storeInfo) { s.stores = append(s.stores, all...) })

	sets := k.AppsV1().StatefulSets(ns)
	startReflector(ctx, l, watchSource[*appsv1.StatefulSetList]{
		resource: "statefulsets in " + ns, list: sets.List, watch: sets.Watch,
	}, convertStatefulSet, func(s *snapshot, all []workloadInfo) { s.workloads = append(s.workloads, all...) })

	deployed := k.AppsV1().Deployments(ns)
	startReflector(ctx, l, watchSource[*appsv1.DeploymentList]{
		resource: "deployments in " + ns, list: deployed.List, watch: deployed.Watch,
	}, convertDeployment, func(s *snapshot, all []workloadInfo) { s.workloads = append(s.workloads, all...) })

	// All pods of the namespace: the API cannot watch for one label or another,
	// and foreign pods are dropped as they come.
	running := k.CoreV1().Pods(ns)
	startReflector(ctx, l, watchSource[*corev1.PodList]{
		resource: "pods in " + ns, list: running.List, watch: running.Watch,
	}, convertPod, func(s *snapshot, all []podInfo) { s.pods = append(s.pods, all...) })
}

// followClaims shows a claim that is deleted while its pod restarts.
func (l *Watcher) followClaims(ctx context.Context, ns string) {
	held := l.client.typed.CoreV1().PersistentVolumeClaims(ns)
	startReflector(ctx, l, watchSource[*corev1.PersistentVolumeClaimList]{
		resource: "persistentvolumeclaims in " + ns, list: held.List, watch: held.Watch,
	}, convertClaim, func(s *snapshot, all []claimInfo) { s.claims = append(s.claims, all...) })
}

func (l *Watcher) watchServices(ctx context.Context, ns string) {
	k := l.client.typed
	svc := k.CoreV1().Services(ns)
	startReflector(ctx, l, watchSource[*corev1.ServiceList]{
		resource: "services in " + ns, list: svc.List, watch: svc.Watch,
	}, convertService, func(s *snapshot, all []serviceInfo) { s.services = append(s.services, all...) })

	endpoints := k.DiscoveryV1().EndpointSlices(ns)
	startReflector(ctx, l, watchSource[*discoveryv1.EndpointSliceList]{
		resource: "endpointslices in " + ns, list: endpoints.List, watch: endpoints.Watch,
	}, convertEndpointSlice, func(s *snapshot, all []endpointsInfo) { s.endpoints = append(s.endpoints, all...) })
}

func (l *Watcher) watchEvents(ctx context.Context, ns string) {
	news := l.client.typed.CoreV1().Events(ns)
	startReflector(ctx, l, watchSource[*corev1.EventList]{
		resource: "events in " + ns, list: news.List, watch: news.Watch, limit: warningsOnly(),
	}, convertEvent, func(s *snapshot, all []plan.Event) { s.events = append(s.events, all...) })
}

// convertStoreLenient keeps what could be read of a store: a watch has no place to
// report a malformed object, and the first list has reported it.
func convertStoreLenient(u *unstructured.Unstructured) (storeInfo, bool) {
	s, _ := convertStore(u)
	return s, true
}
