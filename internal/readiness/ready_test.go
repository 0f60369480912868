package readiness

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// readyFacts are facts in which operator and one store of two pods are as wanted.
func readyFacts() *plan.Facts {
	image := images.Ref{Host: "reg.example", Path: "aistor/minio", Tag: "new"}
	f := &plan.Facts{
		Stores: []plan.Store{{
			Namespace: "a", Name: "s", Image: image, Health: "green",
			Pools: []plan.Pool{{Name: "p", Servers: 2, StatefulSet: "s-p"}},
		}},
		Workloads: []plan.Workload{
			{
				ObjectKey: plan.ObjectKey{APIVersion: "apps/v1", Kind: "StatefulSet", Namespace: "a", Name: "s-p"}, Store: "a/s",
				Replicas: 2, Ready: 2, Updated: 2, Generation: 3, ObservedGeneration: 3,
				Strategy: "RollingUpdate", CurrentRevision: "r2", UpdateRevision: "r2",
			},
			{
				ObjectKey: plan.ObjectKey{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "op", Name: "operator"},
				Replicas:  1, Ready: 1, Updated: 1, Generation: 2, ObservedGeneration: 2,
				Containers: []plan.Container{{Name: "controller", Image: "reg.example/aistor/operator:new"}},
			},
		},
		Pods:     []plan.Pod{newPod("s-p-0"), newPod("s-p-1")},
		Webhooks: []plan.Webhook{{Configuration: "hook", Name: "h", CABundle: 9}},
		Services: []plan.Service{{Namespace: "op", Name: "svc", Ready: 1}},
		CRDs:     []plan.CRD{{Name: "objectstores.aistor.min.io", Established: true}},
	}
	return f
}

func newPod(name string) plan.Pod {
	return plan.Pod{
		Namespace: "a", Name: name, UID: "u-" + name, Store: "a/s", Owner: "StatefulSet/s-p", Phase: "Running", Ready: true, Revision: "r2",
		Containers: []plan.Container{{Name: "minio", Image: "reg.example/aistor/minio:new", Ready: true}},
	}
}

func storeFloor(n int64) map[plan.ObjectKey]int64 {
	return map[plan.ObjectKey]int64{{Kind: "StatefulSet", Namespace: "a", Name: "s-p"}: n}
}

func TestStoreIsReadyByItsOwnStrategyImageAndHealth(t *testing.T) {
	t.Parallel()
	own := Store{Key: "a/s", Upgraded: true, spec: "reg.example/aistor/minio:new"}
	other := Store{Key: "a/s", Baseline: "green"}
	tests := []struct {
		name   string
		target Store
		change func(f *plan.Facts)
		want   []string
	}{
		{"everything settled", own, func(*plan.Facts) {}, nil},
		{"the watch is older than the change", Store{Key: "a/s", Upgraded: true, MinGenerations: storeFloor(4)}, func(*plan.Facts) {},
			[]string{"StatefulSet/a/s-p: the controller has not observed the change yet"}},
		{"controller is behind the spec", own, func(f *plan.Facts) { f.Workloads[0].Generation = 4 },
			[]string{"StatefulSet/a/s-p: the controller has not observed the change yet"}},
		{"rolling", own, func(f *plan.Facts) {
			f.Workloads[0].Updated, f.Workloads[0].Ready, f.Workloads[0].CurrentRevision = 1, 1, "r1"
			f.Pods[1].Ready, f.Pods[1].Phase = false, "Pending"
			f.Pods[1].Containers[0].Reason, f.Pods[1].Containers[0].Message = "ContainerCreating", ""
		}, []string{"StatefulSet/a/s-p: 1 of 2 updated, 1 ready", "Pod/a/s-p-1: container minio: ContainerCreating"}},
		{"updated but not complete", own, func(f *plan.Facts) { f.Workloads[0].CurrentRevision = "r1" },
			[]string{"StatefulSet/a/s-p: rollout is not complete"}},
		{"on delete with all pods replaced", own, func(f *plan.Facts) {
			f.Workloads[0].Strategy, f.Workloads[0].Updated, f.Workloads[0].CurrentRevision = "OnDelete", 0, "r1"
		}, nil},
		{"on delete with a pod of old", own, func(f *plan.Facts) {
			f.Workloads[0].Strategy, f.Pods[0].Revision = "OnDelete", "r1"
		}, []string{"StatefulSet/a/s-p: 1 of 2 updated, 2 ready"}},
		{"pod still terminating", own, func(f *plan.Facts) { f.Pods[0].Terminating = time.Unix(1, 0) }, []string{"Pod/a/s-p-0: still terminating"}},
		{"pod waits for a node", own, func(f *plan.Facts) {
			f.Pods[0].Ready, f.Pods[0].Phase = false, "Pending"
			f.WarningEvents = []plan.Event{{Object: plan.ObjectKey{Kind: "Pod", Namespace: "a", Name: "s-p-0"}, Reason: "FailedScheduling", Message: "0/3 nodes"}}
		}, []string{"Pod/a/s-p-0: FailedScheduling: 0/3 nodes"}},
		{"pod runs the old image", own, func(f *plan.Facts) { f.Pods[1].Containers[0].Image = "reg.example/aistor/minio:old" },
			[]string{"Pod/a/s-p-1: runs reg.example/aistor/minio:old, not reg.example/aistor/minio:new"}},
		{"object asks for another image", own, func(f *plan.Facts) { f.Stores[0].Image.Tag = "old" },
			[]string{"ObjectStore/a/s: has image reg.example/aistor/minio:old, not reg.example/aistor/minio:new"}},
		{"operator's default image where nobody names one", Store{Key: "a/s", Upgraded: true, fallback: "reg.example/aistor/minio:default"},
			func(f *plan.Facts) { f.Stores[0].Image = images.Ref{}; f.Pods = f.Pods[:1] },
			[]string{"Pod/a/s-p-0: runs reg.example/aistor/minio:new, not reg.example/aistor/minio:default"}},
		{"image patched by hand counts where values name none", Store{Key: "a/s", Upgraded: true, fallback: "reg.example/aistor/minio:default"},
			func(*plan.Facts) {}, nil},
		{"yellow", own, func(f *plan.Facts) { f.Stores[0].Health, f.Stores[0].Message = "yellow", "1 drive offline" },
			[]string{"ObjectStore/a/s: health is yellow, not green: 1 drive offline"}},
		{"health unknown", own, func(f *plan.Facts) { f.Stores[0].Health = "" }, []string{"ObjectStore/a/s: health is unknown, not green"}},
		{"healing, which is waited for apart", own, func(f *plan.Facts) { f.Stores[0].DrivesHealing = 3 }, nil},
		{"store that was green and is yellow", other, func(f *plan.Facts) { f.Stores[0].Health = "yellow" },
			[]string{"ObjectStore/a/s: health is yellow, not green"}},
		{"store that was broken before", Store{Key: "a/s", Baseline: "yellow"}, func(f *plan.Facts) {
			f.Stores[0].Health, f.Pods[0].Ready, f.Workloads[0].Ready = "yellow", false, 1
		}, nil},
		{"store that was yellow and is red", Store{Key: "a/s", Baseline: "yellow"}, func(f *plan.Facts) { f.Stores[0].Health = "red" },
			[]string{"ObjectStore/a/s: health is red, not yellow"}},
		{"StatefulSet of a pool is missing", own, func(f *plan.Facts) { f.Stores[0].Pools[0].StatefulSet = "s-q" },
			[]string{"StatefulSet/a/s-q: not found"}},
		{"no StatefulSet at all", own, func(f *plan.Facts) { f.Workloads = nil; f.Stores[0].Pools = nil },
			[]string{"ObjectStore/a/s: has no StatefulSet"}},
		{"store is gone and pods could not be listed", own, func(f *plan.Facts) {
			f.Stores, f.Gaps = nil, []plan.Gap{{Subject: "pods in a", Cause: "forbidden"}}
		}, []string{"ObjectStore/a/s: not found", "could not read pods in a: forbidden"}},
		{"a gap alone is no reason to wait", own, func(f *plan.Facts) { f.Gaps = []plan.Gap{{Subject: "nodes", Cause: "forbidden"}} }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := readyFacts()
			tt.change(f)
			if diff := cmp.Diff(tt.want, tt.target.Unready(f)); diff != "" {
				t.Errorf("unready (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOperatorIsReadyOnceItsPodsWebhookAndServiceServe(t *testing.T) {
	t.Parallel()
	target := Operator{
		deployments: []deploymentTarget{{
			key:    plan.ObjectKey{Kind: "Deployment", Namespace: "op", Name: "operator"},
			images: map[string]string{"controller": "reg.example/aistor/operator:new"},
		}},
		webhooks: []string{"hook"},
		services: []plan.ObjectKey{{Kind: "Service", Namespace: "op", Name: "svc"}},
		crds:     []string{"objectstores.aistor.min.io"},
	}
	tests := []struct {
		name   string
		change func(f *plan.Facts)
		want   []string
	}{
		{"everything settled", func(*plan.Facts) {}, nil},
		{"not there", func(f *plan.Facts) { f.Workloads = nil }, []string{"Deployment/op/operator: not found"}},
		{"old image", func(f *plan.Facts) { f.Workloads[1].Containers[0].Image = "reg.example/aistor/operator:old" },
			[]string{"Deployment/op/operator: container controller has image reg.example/aistor/operator:old, not reg.example/aistor/operator:new"}},
		{"pod that can't pull", func(f *plan.Facts) {
			f.Workloads[1].Ready = 0
			f.Pods = append(f.Pods, plan.Pod{Namespace: "op", Name: "operator-77-x", Owner: "ReplicaSet/operator-77", Workload: "Deployment/operator",
				Containers: []plan.Container{{Name: "controller", Reason: "ErrImagePull", Message: "unauthorized"}}})
		}, []string{"Deployment/op/operator: 1 of 1 updated, 0 ready", "Pod/op/operator-77-x: container controller: ErrImagePull: unauthorized"}},
		{"another Deployment's pod with a longer name", func(f *plan.Facts) {
			f.Pods = append(f.Pods, plan.Pod{Namespace: "op", Name: "operator-two-77-x", Owner: "ReplicaSet/operator-two-77", Workload: "Deployment/operator-two", Terminating: time.Unix(1, 0)})
		}, nil},
		{"old pod still terminating", func(f *plan.Facts) {
			f.Pods = append(f.Pods, plan.Pod{Namespace: "op", Name: "operator-66-x", Owner: "ReplicaSet/operator-66", Workload: "Deployment/operator", Terminating: time.Unix(1, 0)})
		}, []string{"Pod/op/operator-66-x: still terminating"}},
		{"caBundle is empty", func(f *plan.Facts) { f.Webhooks[0].CABundle = 0 },
			[]string{"MutatingWebhookConfiguration/hook: webhook h has no caBundle yet"}},
		{"no webhook", func(f *plan.Facts) { f.Webhooks = nil }, []string{"MutatingWebhookConfiguration/hook: not found"}},
		{"no leader", func(f *plan.Facts) { f.Services[0].Ready = 0 }, []string{"Service/op/svc: no ready endpoints"}},
		{"no Service", func(f *plan.Facts) { f.Services = nil }, []string{"Service/op/svc: not found"}},
		{"CRD not established", func(f *plan.Facts) { f.CRDs[0].Established = false },
			[]string{"CustomResourceDefinition/objectstores.aistor.min.io: not established"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := readyFacts()
			tt.change(f)
			if diff := cmp.Diff(tt.want, target.Unready(f, nil)); diff != "" {
				t.Errorf("unready (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTargetIsReadFromTheRenderedObjects(t *testing.T) {
	t.Parallel()
	got := NewOperator("aistor", append(renderedOperator(),
		images.Object{"kind": "Service", "metadata": map[string]any{"name": "external"}},
		images.Object{"kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "x.aistor.min.io"}}))
	want := Operator{
		namespace: "aistor",
		deployments: []deploymentTarget{{
			key:    plan.ObjectKey{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "aistor", Name: "object-store-operator"},
			images: map[string]string{"controller": "reg.example/aistor/operator:new"},
		}},
		webhooks: []string{"object-store-operator-webhook"},
		services: []plan.ObjectKey{{Kind: "Service", Namespace: "aistor", Name: "object-store-operator"}},
		crds:     []string{"x.aistor.min.io"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Operator{}, deploymentTarget{})); diff != "" {
		t.Errorf("target (-want +got):\n%s", diff)
	}
}

func TestWhatWaitingCannotHealIsToldFromWhatItCan(t *testing.T) {
	t.Parallel()
	image := "reg.example/aistor/minio:new"
	tests := []struct {
		name            string
		reason, message string
		restarts        int
		change          func(f *plan.Facts)
		key             string // last word of the trouble's key; empty means none
	}{
		{name: "no authorization", reason: "ErrImagePull", message: "failed to authorize: 401 Unauthorized", key: "pull"},
		{name: "not found", reason: "ErrImagePull", message: image + ": not found", key: "pull"},
		{name: "no platform", reason: "ErrImagePull", message: "no match for platform in manifest", key: "pull"},
		{name: "unknown certificate authority", reason: "ErrImagePull", message: "x509: certificate signed by unknown authority", key: "pull"},
		{name: "too many requests heal", reason: "ErrImagePull", message: "429 Too Many Requests"},
		{name: "server error heals", reason: "ImagePullBackOff", message: "503 Service Unavailable"},
		{name: "a tag with 404 in it is no status", reason: "ImagePullBackOff", message: `Back-off pulling image "reg.example/404:404"`, change: func(f *plan.Facts) {
			f.Pods[0].Containers[0].Image = "reg.example/404:404"
		}},
		{name: "cause is in the event before", reason: "ImagePullBackOff", message: `Back-off pulling image "` + image + `"`, change: func(f *plan.Facts) {
			f.WarningEvents = []plan.Event{{Object: plan.ObjectKey{Kind: "Pod", Namespace: "a", Name: "s-p-0"}, Reason: "Failed", Message: `Failed to pull image "` + image + `": 403 Forbidden`}}
		}, key: "pull"},
		{name: "invalid name", reason: "InvalidImageName", key: "name"},
		{name: "missing Secret", reason: "CreateContainerConfigError", message: `secret "x" not found`, key: "config"},
		{name: "crashes", reason: "CrashLoopBackOff", restarts: 3, key: "crash"},
		{name: "a first crash", reason: "CrashLoopBackOff", restarts: 1},
		{name: "creating", reason: "ContainerCreating"},
		{name: "crash of the old revision", reason: "CrashLoopBackOff", restarts: 9, change: func(f *plan.Facts) { f.Pods[0].Revision = "r1" }},
		{name: "pod that is ending", reason: "InvalidImageName", change: func(f *plan.Facts) { f.Pods[0].Terminating = time.Unix(1, 0) }},
		{name: "pod security", change: func(f *plan.Facts) {
			f.WarningEvents = []plan.Event{createRefusalEvent(`pods "s-p-0" is forbidden: violates PodSecurity "restricted"`, 100)}
		}, key: "create"},
		{name: "schema", change: func(f *plan.Facts) {
			f.WarningEvents = []plan.Event{createRefusalEvent(`Pod "s-p-0" is invalid: spec.containers[0].resources.requests: Invalid value: "2"`, 100)}
		}, key: "create"},
		{name: "limit range", change: func(f *plan.Facts) {
			f.WarningEvents = []plan.Event{createRefusalEvent(`pods "s-p-0" is forbidden: maximum memory usage per Container is 1Gi`, 100)}
		}, key: "create"},
		{name: "policy of a webhook", change: func(f *plan.Facts) {
			f.WarningEvents = []plan.Event{createRefusalEvent(`admission webhook "p.example" denied the request: image is not signed`, 100)}
		}, key: "create"},
		{name: "quota that is being counted", change: func(f *plan.Facts) {
			f.WarningEvents = []plan.Event{createRefusalEvent(`pods "s-p-0" is forbidden: status unknown for quota: q`, 100)}
		}},
		{name: "another store's pods", change: func(f *plan.Facts) {
			ev := createRefusalEvent(`pods "t-p-0" is forbidden: exceeded quota: q`, 100)
			ev.Object.Name = "t-p"
			f.WarningEvents = []plan.Event{ev}
			f.Workloads = append(f.Workloads, plan.Workload{ObjectKey: ev.Object, Store: "a/t"})
		}},
		{name: "refused once and let in later", change: func(f *plan.Facts) {
			f.WarningEvents = []plan.Event{createRefusalEvent(`pods "s-p-0" is forbidden: exceeded quota: q`, 100)}
			f.Pods[0].Owner, f.Pods[0].Created = "StatefulSet/s-p", time.Unix(101, 0)
		}},
		{name: "pod security before the step", change: func(f *plan.Facts) {
			f.WarningEvents = []plan.Event{createRefusalEvent(`violates PodSecurity "restricted"`, 10)}
		}},
		{name: "webhook that is not up yet", change: func(f *plan.Facts) {
			f.WarningEvents = []plan.Event{createRefusalEvent(`failed calling webhook: connection refused`, 100)}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := readyFacts()
			c := &f.Pods[0].Containers[0]
			c.Reason, c.Message, c.Restarts = tt.reason, tt.message, tt.restarts
			if tt.change != nil {
				tt.change(f)
			}
			was := Baseline{events: map[string]time.Time{eventKey(createRefusalEvent("", 0)): time.Unix(50, 0)}}
			got := FindFailures(f, func(p plan.Pod) bool { return p.Store == "a/s" }, was)
			if tt.key == "" && len(got) != 0 || tt.key != "" && (len(got) != 1 || !strings.HasSuffix(got[0].Key, " "+tt.key)) {
				t.Errorf("received: %+v\nexpected: %q", got, tt.key)
			}
		})
	}
}

func createRefusalEvent(message string, at int64) plan.Event {
	return plan.Event{Object: plan.ObjectKey{Kind: "StatefulSet", Namespace: "a", Name: "s-p"}, Reason: "FailedCreate", Message: message, Last: time.Unix(at, 0)}
}

func TestTroubleCountsOnlyOnceItHasStayed(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	pull := []Failure{{Key: "pull", graceFactor: 1}}
	m := FailureHistory{}
	if stuck, next := m.Persistent(at(0), 20*time.Second, pull); len(stuck) != 0 || next != 20*time.Second {
		t.Errorf("first look: %v, %s", stuck, next)
	}
	if stuck, _ := m.Persistent(at(15), 20*time.Second, nil); len(stuck) != 0 {
		t.Errorf("gone: %v", stuck)
	}
	if stuck, next := m.Persistent(at(16), 20*time.Second, pull); len(stuck) != 0 || next != 20*time.Second {
		t.Errorf("back: %v, %s", stuck, next)
	}
	if stuck, _ := m.Persistent(at(36), 20*time.Second, pull); len(stuck) != 1 {
		t.Errorf("stayed: %v", stuck)
	}
	if stuck, _ := (FailureHistory{}).Persistent(at(0), 20*time.Second, []Failure{{Key: "name"}}); len(stuck) != 1 {
		t.Errorf("what never heals: %v", stuck)
	}
}

func renderedOperator() []images.Object {
	return []images.Object{
		{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "object-store-operator"},
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
				"containers": []any{map[string]any{"name": "controller", "image": "reg.example/aistor/operator:new"}},
			}}},
		},
		{"kind": "Service", "metadata": map[string]any{"name": "object-store-operator"}, "spec": map[string]any{"selector": map[string]any{"operator": "leader"}}},
		{"kind": "MutatingWebhookConfiguration", "metadata": map[string]any{"name": "object-store-operator-webhook"}},
		{"kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "aistor-adminjob"}},
	}
}
