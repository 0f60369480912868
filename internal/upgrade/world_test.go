package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const planted = "planted-secret-3141592653"

// killSignal is what a simulated SIGKILL panics with.
type killSignal struct{ point string }

// fakeCluster is a cluster in memory with the behaviour of Helm and of the operator
// that matters here: releases have revisions, an operator upgrade replaces its
// pods, a store upgrade rolls pods one by one in (faked) time. Lease and
// journal live in client-go's own fake, bindings in its dynamic one.
type fakeCluster struct {
	mu       sync.Mutex
	changed  chan struct{}
	releases map[string][]HelmRelease // by namespace/name, oldest first
	operator string                   // image that the operator's pods run
	opGen    int64
	opReady  bool
	caBundle int
	stores   []*fakeStore
	warnings []plan.Event
	podMean  time.Duration // time one pod takes to come back
	calls    []string
	secrets  map[string]map[string]plan.Sensitive // by namespace/name
	marked   []plan.MarkedObject                  // what finalizers hold
	client   *fake.Clientset
	bindings *dynamicfake.FakeDynamicClient

	// hooks
	onRequest func(point string)                     // before each request
	onUpgrade func(r UpgradeRequest) error           // in place of success
	onPod     func(s *fakeStore, p *fakePod)         // when a pod comes back
	onRoll    func(s *fakeStore) (atOnce int)        // pods restarted together
	onHalf    func(r UpgradeRequest)                 // between pending and done
	afterHelm func(w *fakeCluster, r UpgradeRequest) // once Helm is done; what it changes it changes by with: the availability watch is looking
	onBack    func(r RollbackRequest)                // once a rollback is done
	onFacts   func(f *plan.Facts)                    // last word on facts
	onWatch   func(ctx context.Context) error        // before a watch begins
	away      atomic.Bool                            // the API server refuses connections
}

type fakeStore struct {
	ns, name   string
	image      string // spec.image
	health     string
	onDelete   bool
	generation int64
	revision   int
	pods       []*fakePod
	claims     []plan.Claim
}

type fakePod struct {
	image    string
	revision int
	ready    bool
	reason   string
	message  string
	restarts int
	ending   bool
}

func (s *fakeStore) storeKey() string { return s.ns + "/" + s.name }

func newWorld(t *testing.T) *fakeCluster {
	t.Helper()
	w := &fakeCluster{
		changed:  make(chan struct{}, 1),
		releases: map[string][]HelmRelease{},
		operator: "reg.example/aistor/operator:old", opReady: true, opGen: 1, caBundle: 1000,
		podMean: 30 * time.Second,
		client:  fake.NewSimpleClientset(), // the other one parses all of OpenAPI, for each world again
	}
	refuse := func(ktesting.Action) (bool, runtime.Object, error) {
		if w.away.Load() {
			return true, nil, syscall.ECONNREFUSED
		}
		return false, nil, nil
	}
	w.client.PrependReactor("*", "*", refuse)
	w.client.PrependReactor("*", "configmaps", func(a ktesting.Action) (bool, runtime.Object, error) {
		w.hitPoint("journal " + a.GetVerb())
		return false, nil, nil
	})
	w.bindings = dynamicfake.NewSimpleDynamicClient(runtime.NewScheme(), bindingObject("aistor-adminjob", "old-role"), bindingObject("aistor-object-store", "old-role"))
	w.bindings.PrependReactor("*", "*", refuse)
	w.bindings.PrependReactor("*", "*", func(a ktesting.Action) (bool, runtime.Object, error) {
		w.hitPoint("binding " + a.GetVerb())
		return false, nil, nil
	})
	w.releases["aistor/aistor"] = []HelmRelease{{Chart: "aistor-operator", Version: "5.6.4", Status: "deployed", Revision: 1, Values: storeValues("old")}}
	for _, name := range []string{"one", "two"} {
		s := &fakeStore{ns: "ns-" + name, name: name, image: "reg.example/aistor/minio:old", health: "green", generation: 1}
		for range 4 {
			s.pods = append(s.pods, &fakePod{image: s.image, ready: true})
		}
		for i := range s.pods {
			n := fmt.Sprintf("data-%s-pool-0-%d", name, i)
			s.claims = append(s.claims, plan.Claim{Namespace: s.ns, Name: n, UID: "uid-" + n, Store: s.storeKey(), Phase: "Bound", Volume: "pv-" + n})
		}
		w.stores = append(w.stores, s)
		w.releases[s.storeKey()] = []HelmRelease{{Chart: "aistor-objectstore", Version: "1.0.13", Status: "deployed", Revision: 1, Values: storeValues("old")}}
	}
	return w
}

func storeValues(tag string) map[string]any {
	return map[string]any{"license": planted, "tag": tag, "secrets": map[string]any{"secretKey": planted}}
}

func bindingObject(name, role string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
		"metadata": map[string]any{"name": name, "uid": "uid-" + name + "-" + role, "resourceVersion": "7"},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
	}}
	return u
}

// bindingRole is the role of a live binding, or "" where it is gone.
func (w *fakeCluster) bindingRole(t *testing.T, name string) string {
	t.Helper()
	u, err := w.bindings.Tracker().Get(bindingsResource(), "", name)
	if err != nil {
		return ""
	}
	return roleRefOf(u.(*unstructured.Unstructured).Object)
}

func bindingsResource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterrolebindings"}
}

func (w *fakeCluster) hitPoint(point string) {
	w.mu.Lock()
	w.calls = append(w.calls, point)
	hook := w.onRequest
	w.mu.Unlock()
	if hook != nil {
		hook(point)
	}
}

// updateState changes the world and tells those who watch.
func (w *fakeCluster) updateState(f func()) {
	w.mu.Lock()
	f()
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// answers is the error of a request whose context has ended, or that finds no
// API server.
func (w *fakeCluster) answers(ctx context.Context) error {
	if w.away.Load() && ctx.Err() == nil {
		return syscall.ECONNREFUSED
	}
	return ctx.Err()
}

// GetRelease implements Helm.
func (w *fakeCluster) GetRelease(ctx context.Context, ns, name string) (HelmRelease, error) {
	w.hitPoint("helm release")
	if err := w.answers(ctx); err != nil {
		return HelmRelease{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.releases[ns+"/"+name]
	if len(h) == 0 {
		return HelmRelease{}, errors.New("release: not found")
	}
	return h[len(h)-1], nil
}

// Deployed implements Helm: the charts before the upgrade have both bindings.
func (w *fakeCluster) Deployed(_ context.Context, ns, name string) (string, error) {
	w.hitPoint("helm deployed")
	return operatorManifest(), nil
}

// Upgrade implements Helm. Like the real one it leaves a pending revision when
// it is killed midway, and a failed one when it fails.
func (w *fakeCluster) Upgrade(ctx context.Context, r UpgradeRequest) (HelmRelease, error) {
	w.hitPoint("helm upgrade")
	key := r.Namespace + "/" + r.Name
	w.mu.Lock()
	h := w.releases[key]
	if strings.HasPrefix(h[len(h)-1].Status, "pending-") {
		w.mu.Unlock()
		return HelmRelease{}, errors.New("another operation (install/upgrade/rollback) is in progress")
	}
	next := HelmRelease{Chart: r.Chart.Name, Version: r.Chart.Version, Status: "pending-upgrade", Revision: h[len(h)-1].Revision + 1, Values: r.Values, Description: "Preparing upgrade", Updated: time.Now()}
	h = append(h, next)
	w.releases[key] = h
	half, fails := w.onHalf, w.onUpgrade
	w.mu.Unlock()
	w.hitPoint("helm half")
	if half != nil {
		half(r)
	}
	if ctx.Err() != nil {
		return HelmRelease{}, fmt.Errorf("helm was cancelled: %w", ctx.Err())
	}
	var err error
	if fails != nil {
		err = fails(r)
	}
	if err == nil && key == "aistor/aistor" {
		err = w.applyBindings()
	}
	w.updateState(func() {
		if err != nil {
			h[len(h)-1].Status, h[len(h)-1].Description = "failed", "Upgrade failed: "+err.Error()
			return
		}
		for i := range h {
			if h[i].Status == "deployed" {
				h[i].Status = "superseded"
			}
		}
		h[len(h)-1].Status, h[len(h)-1].Description = "deployed", r.Description
	})
	if err != nil {
		return HelmRelease{}, err
	}
	if w.afterHelm != nil {
		w.afterHelm(w, r)
	} else {
		w.reconcileUpgrade(r)
	}
	w.hitPoint("helm upgraded")
	return h[len(h)-1], nil
}

// applyBindings does what Helm does: a binding whose role would change is an
// error, a missing one is created.
func (w *fakeCluster) applyBindings() error {
	for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
		u, err := w.bindings.Tracker().Get(bindingsResource(), "", name)
		if err == nil && roleRefOf(u.(*unstructured.Unstructured).Object) != "ClusterRole/new-role" {
			return fmt.Errorf("cannot patch %q with kind ClusterRoleBinding: cannot change roleRef", name)
		}
		if err != nil {
			if err := w.bindings.Tracker().Create(bindingsResource(), bindingObject(name, "new-role"), "", meta.CreateOptions{}); err != nil {
				return err
			}
		}
	}
	return nil
}

// reconcileUpgrade is what operator and controllers do after Helm.
func (w *fakeCluster) reconcileUpgrade(r UpgradeRequest) {
	if r.Name == "aistor" {
		w.updateState(func() { w.opGen++; w.opReady, w.caBundle, w.operator = false, 0, "reg.example/aistor/operator:new" })
		time.AfterFunc(10*time.Second, func() { w.updateState(func() { w.opReady = true }) })
		time.AfterFunc(12*time.Second, func() { w.updateState(func() { w.caBundle = 1000 }) })
		return
	}
	for _, s := range w.stores {
		if s.storeKey() == r.Namespace+"/"+r.Name {
			time.AfterFunc(time.Second, func() { w.rollStore(s, "reg.example/aistor/minio:new") })
		}
	}
}

// rollStore replaces a store's pods, highest first.
func (w *fakeCluster) rollStore(s *fakeStore, image string) {
	w.updateState(func() {
		s.image, s.generation = image, s.generation+1
		s.revision++
	})
	together := 1
	if w.onRoll != nil {
		together = w.onRoll(s)
	}
	w.rollFrom(s, len(s.pods)-1, together)
}

func (w *fakeCluster) rollFrom(s *fakeStore, i, together int) {
	if i < 0 {
		w.updateState(func() { s.health = "green" })
		return
	}
	low := max(0, i-together+1)
	w.updateState(func() {
		s.health = "yellow"
		for _, p := range s.pods[low : i+1] {
			*p = fakePod{image: s.image, revision: s.revision}
		}
	})
	time.AfterFunc(w.podMean, func() {
		stuck := false
		w.updateState(func() {
			for _, p := range s.pods[low : i+1] {
				p.ready = true
				if w.onPod != nil {
					w.onPod(s, p)
				}
				stuck = stuck || !p.ready
			}
		})
		if !stuck {
			w.rollFrom(s, low-1, together)
		}
	})
}

// MarkFailed implements Helm.
func (w *fakeCluster) MarkFailed(_ context.Context, ns, name string, revision int) (err error) {
	w.hitPoint("helm mark-failed")
	w.updateState(func() {
		h := w.releases[ns+"/"+name]
		if h[len(h)-1].Revision != revision {
			err = fmt.Errorf("revision %d is not the newest", revision)
			return
		}
		h[len(h)-1].Status = "failed"
	})
	return err
}

// Rollback implements Helm. Killed midway it leaves a pending revision.
func (w *fakeCluster) Rollback(_ context.Context, r RollbackRequest) error {
	w.hitPoint("helm rollback")
	key := r.Namespace + "/" + r.Name
	w.updateState(func() {
		h := w.releases[key]
		i := slices.IndexFunc(h, func(o HelmRelease) bool { return o.Revision == r.Revision })
		back := h[i]
		back.Revision, back.Status, back.Updated = h[len(h)-1].Revision+1, "pending-rollback", time.Now()
		back.Description = journal.RollbackDescription(r.Revision)
		w.releases[key] = append(h, back)
	})
	w.hitPoint("helm half")
	w.updateState(func() {
		h := w.releases[key]
		for i := range h {
			if h[i].Status == "deployed" {
				h[i].Status = "superseded"
			}
		}
		h[len(h)-1].Status = "deployed"
	})
	if w.onBack != nil {
		w.onBack(r)
	}
	return nil
}

// DeleteRollbackRecord implements Helm.
func (w *fakeCluster) DeleteRollbackRecord(_ context.Context, ns, name string, revision int) (err error) {
	w.hitPoint("helm forget")
	w.updateState(func() {
		h := w.releases[ns+"/"+name]
		if last := h[len(h)-1]; last.Revision != revision || last.Status == "deployed" {
			err = fmt.Errorf("revision %d is not an unfinished rollback", revision)
			return
		}
		w.releases[ns+"/"+name] = h[:len(h)-1]
	})
	return err
}

// Facts implements Cluster.
func (w *fakeCluster) Facts(ctx context.Context) (*plan.Facts, error) {
	w.hitPoint("facts")
	return w.takeSnapshot(), w.answers(ctx)
}

// Deletions implements Cluster.
func (w *fakeCluster) Deletions(ctx context.Context, s Scope, _ []plan.ObjectKey) (*plan.Facts, error) {
	w.hitPoint("deletions")
	f := w.takeSnapshot()
	f.Pods = nil
	f.Claims = slices.DeleteFunc(f.Claims, func(c plan.Claim) bool { return !slices.Contains(s.Namespaces, c.Namespace) })
	f.Workloads = slices.DeleteFunc(f.Workloads, func(c plan.Workload) bool { return !slices.Contains(s.Namespaces, c.Namespace) })
	return f, w.answers(ctx)
}

// Marked implements Cluster.
func (w *fakeCluster) Marked(ctx context.Context, objects []plan.ObjectKey) ([]plan.MarkedObject, error) {
	w.hitPoint("marked")
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []plan.MarkedObject
	for _, m := range w.marked {
		if slices.ContainsFunc(objects, func(k plan.ObjectKey) bool { return readiness.WithoutVersion(k) == m.ObjectKey }) {
			out = append(out, m)
		}
	}
	return out, w.answers(ctx)
}

// AddStoreSecrets implements Cluster.
func (w *fakeCluster) AddStoreSecrets(ctx context.Context, f *plan.Facts, wanted []plan.ObjectKey) error {
	w.hitPoint("store secrets")
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range wanted {
		f.StoreSecrets = append(f.StoreSecrets, plan.StoreSecret{Namespace: k.Namespace, Name: k.Name, Present: true, Data: w.secrets[k.Namespace+"/"+k.Name]})
	}
	return w.answers(ctx)
}

// Watch implements Cluster.
func (w *fakeCluster) Watch(ctx context.Context, _ Scope) (ClusterWatcher, error) {
	w.hitPoint("watch")
	if w.onWatch != nil {
		if err := w.onWatch(ctx); err != nil {
			return nil, err
		}
	}
	return liveWorld{w}, nil
}

type liveWorld struct{ w *fakeCluster }

func (l liveWorld) Snapshot() *plan.Facts { return l.w.takeSnapshot() }

func (l liveWorld) Changed() <-chan struct{} { return l.w.changed }

func (l liveWorld) Stop() {}

func (w *fakeCluster) takeSnapshot() *plan.Facts {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := &plan.Facts{
		ClusterUID: "cluster-1", User: "somebody", WarningEvents: slices.Clone(w.warnings),
		Operator: &plan.InstalledRelease{Namespace: "aistor", Name: "aistor", Values: storeValues("old"), Manifest: operatorManifest()},
		Webhooks: []plan.Webhook{{Configuration: "object-store-operator-webhook", Name: "w", CABundle: w.caBundle}},
		Services: []plan.Service{{Namespace: "aistor", Name: "object-store-operator", Ports: []int{4221}, Ready: boolToInt(w.opReady)}},
	}
	f.Workloads = append(f.Workloads, plan.Workload{
		ObjectKey: plan.ObjectKey{Kind: "Deployment", Namespace: "aistor", Name: "object-store-operator"},
		Replicas:  1, Ready: boolToInt(w.opReady), Updated: 1, Generation: w.opGen, ObservedGeneration: w.opGen, Strategy: "Recreate",
		Containers: []plan.Container{{Name: "controller", Image: w.operator}},
	})
	f.Pods = append(f.Pods, plan.Pod{
		Namespace: "aistor", Name: fmt.Sprintf("object-store-operator-hash%d-x", w.opGen), Owner: fmt.Sprintf("ReplicaSet/object-store-operator-hash%d", w.opGen), Workload: "Deployment/object-store-operator",
		Phase: "Running", Ready: w.opReady, Containers: []plan.Container{{Name: "controller", Image: w.operator, Ready: w.opReady}},
	})
	for _, s := range w.stores {
		w.storeFacts(f, s)
	}
	f.Marked = slices.Clone(w.marked)
	w.releaseFacts(f)
	if w.onFacts != nil {
		w.onFacts(f)
	}
	return f
}

// releaseFacts adds what Helm's newest records say, and the bindings.
func (w *fakeCluster) releaseFacts(f *plan.Facts) {
	for key, h := range w.releases {
		r := h[len(h)-1]
		namespace, name, _ := strings.Cut(key, "/")
		fact := plan.InstalledRelease{
			Namespace: namespace, Name: name, Chart: r.Chart, Version: r.Version, Revision: r.Revision, Status: r.Status,
			Description: r.Description, Updated: r.Updated, Values: r.Values,
		}
		if key == f.Operator.Key() {
			fact.Values, fact.Manifest = orEmpty(r.Values), f.Operator.Manifest
			f.Operator = &fact
			continue
		}
		f.Releases = append(f.Releases, fact)
	}
	slices.SortFunc(f.Releases, func(a, b plan.InstalledRelease) int { return strings.Compare(a.Key(), b.Key()) })
	for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
		if _, err := w.bindings.Tracker().Get(bindingsResource(), "", name); err == nil {
			f.Bindings = append(f.Bindings, plan.Binding{ObjectKey: plan.ObjectKey{Kind: "ClusterRoleBinding", Name: name}})
		}
	}
}

func (w *fakeCluster) storeFacts(f *plan.Facts, s *fakeStore) {
	set := plan.Workload{
		ObjectKey: plan.ObjectKey{Kind: "StatefulSet", Namespace: s.ns, Name: s.name + "-pool-0"}, Store: s.storeKey(),
		Replicas: len(s.pods), Generation: s.generation, ObservedGeneration: s.generation, Strategy: "RollingUpdate",
		UpdateRevision: fmt.Sprint("rev-", s.revision), CurrentRevision: fmt.Sprint("rev-", s.revision),
	}
	if s.onDelete {
		set.Strategy = "OnDelete"
	}
	if len(s.claims) > 0 {
		set.ClaimTemplates = []string{"data"}
	}
	for i, p := range s.pods {
		pod := plan.Pod{
			Namespace: s.ns, Name: fmt.Sprintf("%s-pool-0-%d", s.name, i), Store: s.storeKey(), Owner: "StatefulSet/" + set.Name,
			Phase: "Running", Ready: p.ready, Revision: fmt.Sprint("rev-", p.revision),
			Containers: []plan.Container{{Name: "minio", Image: p.image, Ready: p.ready, Reason: p.reason, Message: p.message, Restarts: p.restarts}},
		}
		if p.ending {
			pod.Terminating = time.Unix(1, 0)
		}
		f.Pods = append(f.Pods, pod)
		set.Ready += boolToInt(p.ready)
		if p.revision == s.revision {
			set.Updated++
		} else {
			set.CurrentRevision = fmt.Sprint("rev-", p.revision)
		}
	}
	image, _ := images.ParseRef(s.image)
	f.Claims = append(f.Claims, s.claims...)
	f.Workloads = append(f.Workloads, set)
	f.Stores = append(f.Stores, plan.Store{
		Namespace: s.ns, Name: s.name, Image: image, Health: s.health,
		Pools:  []plan.Pool{{Name: "pool-0", Servers: len(s.pods), StatefulSet: set.Name}},
		Object: images.Object{"kind": "ObjectStore", "metadata": map[string]any{"name": s.name}, "spec": map[string]any{"env": []any{map[string]any{"name": "MINIO_ROOT_PASSWORD", "value": planted}}}},
	})
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func operatorManifest() string {
	return "---\nkind: Secret\nmetadata: {name: minio-license}\nstringData: {minio.license: " + planted + "}\n" +
		manifestOf(bindingObject("aistor-adminjob", "old-role")) + manifestOf(bindingObject("aistor-object-store", "old-role")) +
		"---\nkind: ConfigMap\nmetadata: {name: object-store-operator}\ndata: {minio: 'image: reg.example/aistor/minio:old'}\n"
}

// manifestOf is a binding as a chart renders it.
func manifestOf(u *unstructured.Unstructured) string {
	doc, err := yaml.Marshal(withoutServerFields(u.Object))
	if err != nil {
		panic(err)
	}
	return "---\n" + string(doc)
}
