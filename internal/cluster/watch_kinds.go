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

// start begins every watch.
func (l *Live) start(ctx context.Context, namespaces []string, scope Scope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ns := range namespaces {
		l.followWorkloads(ctx, ns)
		l.followClaims(ctx, ns)
		l.followServices(ctx, ns)
		if scope.Events {
			l.followEvents(ctx, ns)
		}
	}
	if scope.Only != "" {
		return // webhooks are the cluster's
	}
	hooks := l.client.typed.AdmissionregistrationV1().MutatingWebhookConfigurations()
	follow(ctx, l, watched[*admissionv1.MutatingWebhookConfigurationList]{
		what: "mutatingwebhookconfigurations", list: hooks.List, watch: hooks.Watch,
	}, seeWebhooks, func(s *seen, all []webhooksSeen) { s.webhooks = append(s.webhooks, all...) })
}

func (l *Live) followWorkloads(ctx context.Context, ns string) {
	k := l.client.typed
	objectStores := l.client.dynamic.Resource(aistor.ObjectStoreGVR()).Namespace(ns)
	follow(ctx, l, watched[*unstructured.UnstructuredList]{
		what: "objectstores in " + ns, list: objectStores.List, watch: objectStores.Watch,
	}, seeStoreQuietly, func(s *seen, all []storeSeen) { s.stores = append(s.stores, all...) })

	sets := k.AppsV1().StatefulSets(ns)
	follow(ctx, l, watched[*appsv1.StatefulSetList]{
		what: "statefulsets in " + ns, list: sets.List, watch: sets.Watch,
	}, seeStatefulSet, func(s *seen, all []workloadSeen) { s.workloads = append(s.workloads, all...) })

	deployed := k.AppsV1().Deployments(ns)
	follow(ctx, l, watched[*appsv1.DeploymentList]{
		what: "deployments in " + ns, list: deployed.List, watch: deployed.Watch,
	}, seeDeployment, func(s *seen, all []workloadSeen) { s.workloads = append(s.workloads, all...) })

	// All pods of the namespace: the API can't watch for one label or another,
	// and foreign pods are dropped as they come.
	running := k.CoreV1().Pods(ns)
	follow(ctx, l, watched[*corev1.PodList]{
		what: "pods in " + ns, list: running.List, watch: running.Watch,
	}, seePod, func(s *seen, all []podSeen) { s.pods = append(s.pods, all...) })
}

// followClaims shows a claim that is deleted while its pod restarts.
func (l *Live) followClaims(ctx context.Context, ns string) {
	held := l.client.typed.CoreV1().PersistentVolumeClaims(ns)
	follow(ctx, l, watched[*corev1.PersistentVolumeClaimList]{
		what: "persistentvolumeclaims in " + ns, list: held.List, watch: held.Watch,
	}, seeClaim, func(s *seen, all []claimSeen) { s.claims = append(s.claims, all...) })
}

func (l *Live) followServices(ctx context.Context, ns string) {
	k := l.client.typed
	svc := k.CoreV1().Services(ns)
	follow(ctx, l, watched[*corev1.ServiceList]{
		what: "services in " + ns, list: svc.List, watch: svc.Watch,
	}, seeService, func(s *seen, all []serviceSeen) { s.services = append(s.services, all...) })

	endpoints := k.DiscoveryV1().EndpointSlices(ns)
	follow(ctx, l, watched[*discoveryv1.EndpointSliceList]{
		what: "endpointslices in " + ns, list: endpoints.List, watch: endpoints.Watch,
	}, seeSlice, func(s *seen, all []endpointsSeen) { s.endpoints = append(s.endpoints, all...) })
}

func (l *Live) followEvents(ctx context.Context, ns string) {
	news := l.client.typed.CoreV1().Events(ns)
	follow(ctx, l, watched[*corev1.EventList]{
		what: "events in " + ns, list: news.List, watch: news.Watch, limit: warningsOnly(),
	}, seeEvent, func(s *seen, all []plan.Event) { s.events = append(s.events, all...) })
}

// seeStoreQuietly keeps what could be read of a store: a watch has no place to
// report a malformed object, and the first look has reported it.
func seeStoreQuietly(u *unstructured.Unstructured) (storeSeen, bool) {
	s, _ := seeStore(u)
	return s, true
}
