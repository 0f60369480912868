package cluster

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func mustDecode[T any](t *testing.T, doc string) *T {
	t.Helper()
	out := new(T)
	if err := yaml.Unmarshal([]byte(doc), out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestContainersJoinSpecAndStatus(t *testing.T) {
	t.Parallel()
	pod, _ := convertPod(mustDecode[corev1.Pod](t, `
metadata: {name: p, namespace: n, labels: {aistor.min.io/objectStore: x}, deletionTimestamp: "2026-11-01T00:00:00Z"}
spec:
  initContainers: [{name: validate-arguments, image: "i:1"}, {name: sidecar, image: "s:1", restartPolicy: Always}]
  containers: [{name: minio, image: "m:1"}, {name: agent, image: "a:1"}, {name: new, image: "n:1"}]
status:
  phase: Running
  initContainerStatuses:
  - {name: validate-arguments, state: {terminated: {exitCode: 0, reason: Completed}}}
  - {name: sidecar, ready: true, imageID: "s@sha256:1"}
  containerStatuses:
  - {name: minio, restartCount: 4, state: {waiting: {reason: CrashLoopBackOff, message: again}}}
  - {name: agent, state: {terminated: {exitCode: 137, reason: OOMKilled}}}
`))
	want := []plan.Container{
		{Name: "validate-arguments", Init: true, Image: "i:1"},
		{Name: "sidecar", Init: true, Restartable: true, Image: "s:1", Ready: true, ImageID: "s@sha256:1"},
		{Name: "minio", Image: "m:1", Restarts: 4, Reason: "CrashLoopBackOff", Message: "again"},
		{Name: "agent", Image: "a:1", Reason: "OOMKilled"},
		{Name: "new", Image: "n:1"},
	}
	if d := cmp.Diff(want, pod.Containers); d != "" {
		t.Errorf("containers (-expected +received):\n%s", d)
	}
	if pod.Terminating.IsZero() {
		t.Error("received a pod that isn't terminating, expected one that is")
	}
}

func TestReplicasDefaultToOne(t *testing.T) {
	t.Parallel()
	d, _ := convertDeployment(mustDecode[appsv1.Deployment](t, `{metadata: {name: d}, spec: {}}`))
	zero, _ := convertDeployment(mustDecode[appsv1.Deployment](t, `{metadata: {name: d}, spec: {replicas: 0}}`))
	if d.Replicas != 1 || zero.Replicas != 0 {
		t.Errorf("received %d and %d replicas, expected 1 and 0", d.Replicas, zero.Replicas)
	}
}

func TestWhoReconcilesAnObject(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, metadata string
		tool           string
		by             plan.ObjectKey
	}{
		{"nobody", `{labels: {app.kubernetes.io/instance: x}}`, "", plan.ObjectKey{}},
		{"Flux HelmRelease", `{labels: {helm.toolkit.fluxcd.io/name: a, helm.toolkit.fluxcd.io/namespace: flux}}`, "Flux",
			plan.ObjectKey{APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease", Namespace: "flux", Name: "a"}},
		{"Flux Kustomization", `{labels: {kustomize.toolkit.fluxcd.io/name: a, kustomize.toolkit.fluxcd.io/namespace: flux}}`, "Flux",
			plan.ObjectKey{APIVersion: "kustomize.toolkit.fluxcd.io/v1", Kind: "Kustomization", Namespace: "flux", Name: "a"}},
		{"Argo CD by tracking id", `{annotations: {argocd.argoproj.io/tracking-id: "stores:aistor.min.io/ObjectStore:team-a/primary"}}`, "Argo CD",
			plan.ObjectKey{APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Name: "stores"}},
		{"Argo CD, application in any namespace", `{annotations: {argocd.argoproj.io/tracking-id: "team_stores:/Service:a/b"}}`, "Argo CD",
			plan.ObjectKey{APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Namespace: "team", Name: "stores"}},
		{"Argo CD by instance label", `{labels: {app.kubernetes.io/instance: stores}, annotations: {argocd.argoproj.io/sync-wave: "1"}}`, "Argo CD",
			plan.ObjectKey{APIVersion: "argoproj.io/v1alpha1", Kind: "Application", Name: "stores"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := ownershipOf(mustDecode[metav1.ObjectMeta](t, tt.metadata))
			if m.tool != tt.tool || m.reconciler != tt.by {
				t.Errorf("received %q %v, expected %q %v", m.tool, m.reconciler, tt.tool, tt.by)
			}
		})
	}
}

func TestMalformedStoreIsReportedAndStillRead(t *testing.T) {
	t.Parallel()
	u := mustDecode[map[string]any](t, `{metadata: {name: s, namespace: n}, spec: {pools: "many"}, status: {healthStatus: red}}`)
	s, err := convertStore(&unstructured.Unstructured{Object: *u})
	if err == nil || s.Name != "s" {
		t.Errorf("received %q and error %v, expected the store and an error", s.Name, err)
	}
}

func TestStoreHealthTellsTheStoreFromTheWayToIt(t *testing.T) {
	t.Parallel()
	status := func(code int, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { writeStatusError(w, code, "ServiceUnavailable", message) }
	}
	plain := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(code)
		}
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		port   int
		want   Health
		asked  string
	}{
		{"quorum", plain(200), 443, Health{State: HealthOK, Status: 200}, "services/https:minio:443/proxy/minio/health/cluster"},
		{"no quorum", plain(503), 80, Health{State: HealthUnavailable, Status: 503}, "services/http:minio:80/proxy/minio/health/cluster"},
		{"no server ready", status(503, `no endpoints available for service "minio"`), 80, Health{State: HealthUnavailable, Status: 503}, "services/http:minio:80/"},
		{"no way to the pods", status(503, "error trying to reach service: dial tcp 10.0.0.1:9000: i/o timeout"), 80, Health{State: HealthUnknown, Status: 503}, "services/http:minio:80/"},
		{"no right to ask", status(403, "forbidden"), 80, Health{State: HealthUnknown, Status: 403}, "services/http:minio:80/"},
		{"no such service", status(404, "not found"), 80, Health{State: HealthUnknown, Status: 404}, "services/http:minio:80/"},
		{"TLS on another port", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path[len("/api/v1/namespaces/team-a/services/"):][:6] == "https:" {
				plain(200)(w, r)
				return
			}
			http.Error(w, "Client sent an HTTP request to an HTTPS server.", 400)
		}, 9000, Health{State: HealthOK, Status: 200}, "services/https:minio:9000/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			a.proxy = tt.answer
			got, err := a.newClient().storeHealth(t.Context(), "team-a", "minio", tt.port)
			if got != tt.want || (err != nil) != (got.State == HealthUnknown) {
				t.Errorf("received %+v and error %v, expected %+v", got, err, tt.want)
			}
			if countRequests(a.listRequests(), "api/v1/namespaces/team-a/"+tt.asked) != 1 {
				t.Errorf("received requests %v, expected one for %s", a.listRequests(), tt.asked)
			}
		})
	}
}

func TestObjectsAreFoundByKind(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 0)
	a.deny = func(p string) bool { return p == "api/v1/namespaces/aistor/services/hidden" }
	c := a.newClient()
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(schema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRoleBinding"}, meta.RESTScopeRoot)
	mapper.Add(schema.GroupVersionKind{Version: "v1", Kind: "Service"}, meta.RESTScopeNamespace)
	c.mapper = func() (meta.RESTMapper, error) { return mapper, nil }

	// A rendered object of a cluster-wide kind may still name a namespace.
	binding := plan.ObjectKey{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding", Namespace: "aistor", Name: "aistor-object-store"}
	hidden := plan.ObjectKey{APIVersion: "v1", Kind: "Service", Namespace: "aistor", Name: "hidden"}
	found, gaps := c.GetObjects(context.Background(), []plan.ObjectKey{binding, hidden,
		{APIVersion: "v1", Kind: "Service", Namespace: "aistor", Name: "absent"},
		{APIVersion: "example.com/v1", Kind: "Unknown", Name: "x"}})
	if len(found) != 1 || fieldValue(found[binding], "roleRef.name") != "aistor-objectstore" {
		t.Errorf("received %v, expected the binding alone", found)
	}
	if len(gaps) != 1 || gaps[0].Subject != hidden.String() || !gaps[0].Denied {
		t.Errorf("received gaps %v, expected %s", gaps, hidden)
	}
}

func TestWarningsAreKeptOnce(t *testing.T) {
	t.Parallel()
	w := &warningCollector{}
	w.HandleWarningHeader(299, "-", "v1 Endpoints is deprecated")
	w.HandleWarningHeader(299, "-", "v1 Endpoints is deprecated")
	w.HandleWarningHeader(199, "-", "miscellaneous")
	if d := cmp.Diff([]string{"v1 Endpoints is deprecated"}, w.listWarnings()); d != "" {
		t.Errorf("warnings (-expected +received):\n%s", d)
	}
}

func TestAPodOfADeploymentIsItsWorkloads(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ kind, owner, hash, want string }{
		{"StatefulSet", "primary-pool-0", "", "StatefulSet/primary-pool-0"},
		{"ReplicaSet", "primary-kes-6c5b99d7d", "6c5b99d7d", "Deployment/primary-kes"},
		{"ReplicaSet", "primary-kes-6c5b99d7d", "", "ReplicaSet/primary-kes-6c5b99d7d"},
		{"ReplicaSet", "somebody-else", "6c5b99d7d", "ReplicaSet/somebody-else"},
	} {
		p, _ := convertPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Labels:          map[string]string{"pod-template-hash": tc.hash},
			OwnerReferences: []metav1.OwnerReference{{Kind: tc.kind, Name: tc.owner, Controller: new(true)}},
		}})
		if got := p.Controller(); got != tc.want {
			t.Errorf("%s/%s: received %q, expected %q", tc.kind, tc.owner, got, tc.want)
		}
	}
}

func TestAnotherOperatorIsFoundWhereverItRuns(t *testing.T) {
	t.Parallel()
	pod := func(namespace, owner string) podInfo {
		return podInfo{Pod: plan.Pod{Namespace: namespace, Name: "p", Owner: owner}, operator: true}
	}
	s := &snapshot{operatorNamespace: "aistor", storesKnown: true, pods: []podInfo{
		pod("aistor", "Deployment/object-store-operator"), pod("third", "Deployment/object-store-operator"),
		pod("second", "Deployment/object-store-operator"), pod("second", "Deployment/object-store-operator"),
		pod("keys", "Deployment/minkms-operator"),
	}}
	f := s.buildFacts()
	if d := cmp.Diff([]string{"second", "third"}, f.OtherOperators); d != "" {
		t.Errorf("other operators (-expected +received):\n%s", d)
	}
	if len(f.Pods) != 1 {
		t.Errorf("received %d pods, expected only the operator's own", len(f.Pods))
	}
}

// What others write of pods and stores is shown to people and kept in reports,
// so that what slipped into it is taken out where it is read.
func TestTextsOfOthersLoseTheirSecrets(t *testing.T) {
	t.Parallel()
	const slipped = `cannot log in: secretKey=planted1 at https://user:planted2@registry/x, Authorization: Bearer planted3`
	pod, _ := convertPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "n", Labels: map[string]string{"aistor.min.io/name": "x"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a"}, {Name: "b"}}},
		Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{
			{Name: "a", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "Bad", Message: slipped}}},
			{Name: "b", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error", Message: slipped}}},
		}}})
	store, err := convertStore(&unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "s", "namespace": "n"},
		"status": map[string]any{"healthMessage": slipped, "currentState": slipped}}})
	if err != nil {
		t.Fatal(err)
	}
	store.Object = nil // as it is, for what compares it
	event, _ := convertEvent(&corev1.Event{Message: slipped})
	text := fmt.Sprintf("%+v %+v %+v", pod, store, event)
	if n := strings.Count(text, "cannot log in"); n != 5 {
		t.Errorf("the texts are shown %d times, expected 5:\n%s", n, text)
	}
	if strings.Contains(text, "planted") {
		t.Errorf("a secret is left:\n%s", text)
	}
}
