package upgrade

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// upgradeInputs are the changes of the entire upgrade: the operator with bindings that
// change their role, then two stores.
func upgradeInputs() *plan.Inputs {
	in := &plan.Inputs{Operator: []plan.Change{{
		Namespace: "aistor", Release: "aistor",
		From: plan.ChartRef{Name: "aistor-operator", Version: "5.6.4"}, To: plan.ChartRef{Name: "aistor-operator", Version: "5.10.0", Digest: "sha256:5100"},
		Values: storeValues("new"), After: operatorObjects(),
	}}}
	for _, name := range []string{"one", "two"} {
		in.Stores = append(in.Stores, plan.Change{
			Namespace: "ns-" + name, Release: name, Store: name,
			From: plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.13"}, To: plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.16", Digest: "sha256:1016"},
			Values: storeValues("new"),
			After: []images.Object{{
				"apiVersion": "aistor.min.io/v1", "kind": "ObjectStore", "metadata": map[string]any{"name": name},
				"spec": map[string]any{"image": "reg.example/aistor/minio:new"},
			}},
		})
	}
	return in
}

func operatorObjects() []images.Object {
	list := []images.Object{
		{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "object-store-operator"},
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
				"containers": []any{map[string]any{"name": "controller", "image": "reg.example/aistor/operator:new"}},
			}}},
		},
		{"kind": "Service", "metadata": map[string]any{"name": "object-store-operator"}, "spec": map[string]any{"selector": map[string]any{"operator": "leader"}}},
		{"kind": "MutatingWebhookConfiguration", "metadata": map[string]any{"name": "object-store-operator-webhook"}},
	}
	for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
		list = append(list, images.Object(bindingObject(name, "new-role").Object))
	}
	return list
}

func releaseFactFor(field, key, value string) plan.Fact {
	namespace, name, _ := strings.Cut(key, "/")
	return plan.Fact{Object: plan.ObjectKey{Kind: plan.KindRelease, Namespace: namespace, Name: name}, Field: field, Value: value}
}

func wholePlan(in *plan.Inputs) *plan.Plan {
	p := &plan.Plan{APIVersion: plan.APIVersion, Kind: plan.KindPlan, Cluster: plan.Cluster{UID: "cluster-1"}}
	mend := plan.Step{ID: "recreate-bindings-5.10.0", Action: plan.ActionRecreateBindings, Target: "aistor/aistor"}
	for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
		key := plan.ObjectKey{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding", Name: name}
		mend.Objects = append(mend.Objects, key)
		mend.Before = append(mend.Before, plan.Fact{Object: key, Field: "roleRef", Value: "ClusterRole/old-role"})
	}
	p.Steps = []plan.Step{
		{ID: "backup", Action: plan.ActionBackup}, {ID: "push", Action: plan.ActionPush}, {ID: "preflight", Action: plan.ActionPreflight},
		mend, planStep(in.Operator[0], "operator-5.10.0", plan.ActionOperator),
	}
	for _, c := range in.Stores {
		s := planStep(c, "store-"+c.Store, plan.ActionStore)
		s.Store = c.StoreKey()
		s.Restarts = []plan.Restart{{Store: c.StoreKey(), Pods: 4, Strategy: plan.OneByOne, Selected: true}}
		p.Steps = append(p.Steps, s)
	}
	p.Steps = append(p.Steps, plan.Step{ID: "validate", Action: plan.ActionValidate})
	return p
}

func planStep(c plan.Change, id string, a plan.Action) plan.Step {
	return plan.Step{
		ID: id, Action: a, Target: c.Key(), From: &c.From, To: &c.To, Values: plan.ValuesDigest(c.Values),
		Estimate: plan.Duration(5 * time.Minute),
		Before:   []plan.Fact{releaseFactFor(plan.FieldChart, c.Key(), c.From.String()), releaseFactFor(plan.FieldRevision, c.Key(), "1")},
	}
}

// eventRecorder collects what a run tells.
type eventRecorder struct {
	events []Event
	order  []string // ids of steps that started, "push" and similar included
}

func (r *eventRecorder) alarmMessages() []string {
	var out []string
	for _, ev := range r.events {
		if ev.Kind == EventAlarm {
			out = append(out, ev.Message)
		}
	}
	return out
}

func (r *eventRecorder) hasWaitedFor(text string) bool {
	return slices.ContainsFunc(r.events, func(ev Event) bool { return strings.Contains(strings.Join(ev.Waiting, "\n"), text) })
}

func (r *eventRecorder) hasMessage(text string) bool {
	return slices.ContainsFunc(r.events, func(ev Event) bool { return strings.Contains(ev.Message, text) })
}

// execution is one attempt to be: change its fields, then run it.
type execution struct {
	w     *fakeCluster
	in    *plan.Inputs
	plan  *plan.Plan
	opts  Options
	deps  Deps
	lease lease.Options
	told  eventRecorder
}

func (w *fakeCluster) newAttempt(t *testing.T, holder string) *execution {
	t.Helper()
	x := &execution{w: w, in: upgradeInputs()}
	x.plan = wholePlan(x.in)
	x.deps = Deps{Helm: w, Cluster: w, Client: w.client, Bindings: NewBindingClient(w.bindings)}
	x.lease = lease.Options{Client: w.client, Namespace: "aistor", Holder: holder}
	x.opts = Options{
		BackupDir: t.TempDir(), Tool: "test", ResumeCommand: "helm aistor upgrade --plan p.yaml",
		Push:      func(context.Context) error { w.hitPoint("push"); return nil },
		Preflight: func(context.Context) error { w.hitPoint("preflight"); return nil },
		Validate:  func(context.Context) (string, error) { w.hitPoint("validate"); return "all good", nil },
		OnEvent: func(ev Event) {
			x.told.events = append(x.told.events, ev)
			if ev.Kind == EventStarted {
				x.told.order = append(x.told.order, ev.Step)
			}
		},
	}
	return x
}

func (x *execution) runAttempt(ctx context.Context) (*Outcome, error) {
	return x.executor().Run(ctx)
}

func (x *execution) executor() *Executor {
	x.deps.Lease = lease.New(x.lease)
	return NewExecutor(x.plan, x.in, x.deps, x.opts)
}

// runUntilKilled runs and reports whether a simulated SIGKILL ended it.
func (x *execution) runUntilKilled(ctx context.Context) (out *Outcome, dead bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killSignal); !ok {
				panic(r)
			}
			dead = true
		}
	}()
	out, err = x.runAttempt(ctx)
	return out, false, err
}
