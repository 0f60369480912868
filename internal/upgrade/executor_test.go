package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// runInBubble runs a test in a bubble of its own time.
func runInBubble(t *testing.T, f func(t *testing.T, w *fakeCluster)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(t, w)
	})
}

// checkUpgraded fails the test unless the world is what a whole upgrade leaves.
func (w *fakeCluster) checkUpgraded(t *testing.T) {
	t.Helper()
	want := map[string]string{"aistor/aistor": "5.10.0", "ns-one/one": "1.0.16", "ns-two/two": "1.0.16"}
	for key, version := range want {
		var deployed []string
		for _, r := range w.releases[key] {
			if r.Status == "deployed" {
				deployed = append(deployed, r.Version)
			}
		}
		if diff := cmp.Diff([]string{version}, deployed); diff != "" {
			t.Errorf("deployed revisions of %s (-want +got):\n%s", key, diff)
		}
		last := w.releases[key][len(w.releases[key])-1]
		if diff := cmp.Diff(storeValues("new"), last.Values); diff != "" {
			t.Errorf("values of %s (-want +got):\n%s", key, diff)
		}
	}
	for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
		if got := w.bindingRole(t, name); got != "ClusterRole/new-role" {
			t.Errorf("role of %s is %q", name, got)
		}
	}
	for _, s := range w.stores {
		for i, p := range s.pods {
			if p.image != "reg.example/aistor/minio:new" || !p.ready {
				t.Errorf("pod %d of %s runs %s, ready %t", i, s.name, p.image, p.ready)
			}
		}
	}
}

func TestStepsRunInTheirOrderAndLeaveTheWholeUpgrade(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		out, err := x.runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		want := []string{"backup", "push", "preflight", "recreate-bindings-5.10.0", "operator-5.10.0", "store-one", "store-two", "validate"}
		if diff := cmp.Diff(want, x.told.order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if !out.Changed || len(out.Remaining) != 0 || out.Validation != "all good" || out.Backup == "" {
			t.Errorf("outcome: %+v", out)
		}
		for _, a := range out.Availability {
			if a.LowestReady != 3 || a.Pods != 4 || a.Worst != "yellow" || a.Known {
				t.Errorf("availability: %+v", a)
			}
		}
		for _, reason := range []string{"no ready endpoints", "no caBundle yet", "of 4 updated", "health is yellow"} {
			if !x.told.hasWaitedFor(reason) {
				t.Errorf("nothing said that it waits because of %q", reason)
			}
		}
		if alarms := x.told.alarmMessages(); len(alarms) != 0 {
			t.Errorf("alarms: %v", alarms)
		}
	})
}

func TestRerunOfAFinishedPlanChangesNothing(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		revisions := len(w.releases["aistor/aistor"])
		w.calls = nil
		x := w.newAttempt(t, "me again")
		out, err := x.runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"validate"}, x.told.order); diff != "" {
			t.Errorf("steps carried out (-want +got):\n%s", diff)
		}
		for _, call := range []string{"helm upgrade", "binding delete", "push"} {
			if slices.Contains(w.calls, call) {
				t.Errorf("the rerun did %q", call)
			}
		}
		if len(w.releases["aistor/aistor"]) != revisions || len(out.Attempts) != 2 {
			t.Errorf("revisions %d, attempts %d", len(w.releases["aistor/aistor"]), len(out.Attempts))
		}
	})
}

// Each request of a whole upgrade is, in turn, the last thing the process did.
func TestRerunAfterAKillAtAnyRequestLeavesWhatAnUninterruptedRunLeaves(t *testing.T) {
	t.Parallel()
	total := 0
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		total = len(w.calls)
	})
	for k := range total {
		t.Run(fmt.Sprintf("request %d", k), func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				n, point := 0, ""
				w.onRequest = func(p string) {
					if n++; n == k+1 {
						point = p
						panic(killSignal{p})
					}
				}
				backups := t.TempDir()
				x := w.newAttempt(t, "killed")
				x.opts.BackupDir = backups
				if _, dead, err := x.runUntilKilled(t.Context()); !dead {
					t.Fatalf("not killed: %v", err)
				}
				w.onRequest = nil
				l, err := w.client.CoordinationV1().Leases("aistor").Get(t.Context(), lease.Name, meta.GetOptions{})
				if err != nil || holderOf(l) != "killed" {
					t.Errorf("a killed run gave its lease back: holder %q, error %v", holderOf(l), err)
				}
				y := w.newAttempt(t, "rerun")
				y.opts.BackupDir = backups
				if _, err := y.runAttempt(t.Context()); err != nil {
					t.Fatalf("killed before %q: %v", point, err)
				}
				w.checkUpgraded(t)
				if got := len(w.releases["aistor/aistor"]); got > 3 {
					t.Errorf("killed before %q: %d revisions", point, got)
				}
			})
		})
	}
}

// After a kill everything may still look ready, because nobody has reacted to
// what Helm wrote last.
func TestRerunDoesNotTakeAStoreForDoneThatHasNotReactedYet(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		settled := false
		w.afterHelm = func(w *fakeCluster, r UpgradeRequest) {
			switch one := w.stores[0]; r.Name {
			case "aistor":
				w.reconcileUpgrade(r)
			case "one":
				time.AfterFunc(3*time.Second, func() { w.rollStore(one, one.image) })
			case "two":
				settled = !slices.ContainsFunc(one.pods, func(p *fakePod) bool { return p.revision == 0 || !p.ready })
				w.reconcileUpgrade(r)
			}
		}
		n := 0
		w.onRequest = func(p string) {
			if p == "helm upgraded" {
				if n++; n == 2 {
					panic(killSignal{p})
				}
			}
		}
		run := func(holder string) (bool, error) {
			x := w.newAttempt(t, holder)
			x.in.Stores[0].After[0]["spec"] = map[string]any{"rollingTimeoutSeconds": 600}
			x.lease.HolderGone = func(string) bool { return true }
			_, dead, err := x.runUntilKilled(t.Context())
			return dead, err
		}
		if dead, err := run("killed"); !dead {
			t.Fatalf("not killed: %v", err)
		}
		if _, err := run("rerun"); err != nil || !settled {
			t.Errorf("first store settled before the second: %t, error %v", settled, err)
		}
	})
}

func TestNoSecretLeavesTheProcess(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onUpgrade = func(r UpgradeRequest) error {
			if r.Name == "two" {
				return fmt.Errorf("values don't meet the schema: license: %s", planted)
			}
			return nil
		}
		x := w.newAttempt(t, "me")
		_, err := x.runAttempt(t.Context())
		if err == nil {
			t.Fatal("the failing store did not stop the run")
		}
		texts := []string{err.Error(), fmt.Sprintf("%+v", x.told.events)}
		maps, listErr := w.client.CoreV1().ConfigMaps("aistor").List(t.Context(), meta.ListOptions{})
		if listErr != nil || len(maps.Items) != 1 {
			t.Fatalf("%d journals, error %v", len(maps.Items), listErr)
		}
		texts = append(texts, maps.Items[0].Data["run.json"])
		files := 0
		err = filepath.WalkDir(x.opts.BackupDir, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil || path == x.opts.BackupDir {
				return err
			}
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %s", path, info.Mode())
			}
			if !d.IsDir() {
				files++
				b, err := os.ReadFile(path)
				texts = append(texts, string(b))
				return err
			}
			return nil
		})
		if err != nil || files < 6 {
			t.Fatalf("%d files, error %v", files, err)
		}
		for _, text := range texts {
			if strings.Contains(text, planted) {
				t.Errorf("a secret is in:\n%s", text)
			}
		}
	})
}

func TestFailingOperatorStepBringsItsBindingsBack(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onUpgrade = func(UpgradeRequest) error { return errors.New("admission refused it") }
		x := w.newAttempt(t, "me")
		_, err := x.runAttempt(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || stopped.Step != "operator-5.10.0" || !stopped.Changed || stopped.Next != x.opts.ResumeCommand {
			t.Fatalf("error: %#v", err)
		}
		for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
			if got := w.bindingRole(t, name); got != "ClusterRole/old-role" {
				t.Errorf("role of %s is %q", name, got)
			}
		}
		w.onUpgrade = nil
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
	})
}

func TestBindingsThatAnotherPlansKilledRunDeletedComeBackWhenTheNextOneFails(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onRequest = func(p string) {
			if p == "helm upgrade" {
				panic(killSignal{p})
			}
		}
		if _, dead, err := w.newAttempt(t, "killed").runUntilKilled(t.Context()); !dead {
			t.Fatalf("not killed: %v", err)
		}
		w.onRequest = nil
		w.onUpgrade = func(UpgradeRequest) error { return errors.New("admission refused it") }
		x := w.newAttempt(t, "me")
		x.plan.Steps = slices.DeleteFunc(x.plan.Steps, func(s plan.Step) bool { return s.Action == plan.ActionRecreateBindings })
		if _, err := x.runAttempt(t.Context()); err == nil {
			t.Fatal("the failing operator did not stop the run")
		}
		if got := w.bindingRole(t, "aistor-object-store"); got != "ClusterRole/old-role" {
			t.Errorf("role is %q", got)
		}
	})
}

func TestInterruptionFinishesHelmAndResumes(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		ctx, cancel := context.WithCancel(t.Context())
		w.onHalf = func(r UpgradeRequest) {
			if r.Name == "one" {
				cancel()
			}
		}
		_, err := w.newAttempt(t, "me").runAttempt(ctx)
		stop, ok := errors.AsType[*InterruptedError](err)
		if !ok {
			t.Fatalf("error: %v", err)
		}
		if h := w.releases["ns-one/one"]; h[len(h)-1].Status != "deployed" {
			t.Errorf("helm was cut off: %+v", h)
		}
		want := []string{"store-one", "store-two", "validate"}
		if diff := cmp.Diff(want, stop.Remaining); diff != "" || !stop.Changed {
			t.Errorf("changed %t, remaining (-want +got):\n%s", stop.Changed, diff)
		}
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
		if n := len(w.releases["ns-one/one"]); n != 2 {
			t.Errorf("%d revisions of the interrupted store", n)
		}
	})
}

// Between the deletion of the bindings and their return the operator has no
// rights, so an interruption there is too early.
func TestInterruptionWhileBindingsAreDeletedStopsOnlyAfterTheOperator(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		ctx, cancel := context.WithCancel(t.Context())
		w.onRequest = func(p string) {
			if p == "binding delete" {
				cancel()
			}
		}
		_, err := w.newAttempt(t, "me").runAttempt(ctx)
		if !errors.As(err, new(*InterruptedError)) {
			t.Fatalf("error: %v", err)
		}
		if got := w.bindingRole(t, "aistor-object-store"); got != "ClusterRole/new-role" {
			t.Errorf("role is %q", got)
		}
	})
}

func TestForeignDriftIsRefusedByName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		change        func(w *fakeCluster)
		object, field string
	}{
		{"an upgrade by somebody else", func(w *fakeCluster) {
			h := w.releases["ns-two/two"]
			w.releases["ns-two/two"] = append(h, HelmRelease{Chart: "aistor-objectstore", Version: "1.0.14", Status: "deployed", Revision: 2})
		}, "Release/ns-two/two", "chart"},
		{"new values by somebody else", func(w *fakeCluster) {
			h := w.releases["ns-two/two"]
			w.releases["ns-two/two"] = append(h, HelmRelease{Chart: "aistor-objectstore", Version: "1.0.13", Status: "deployed", Revision: 2})
		}, "Release/ns-two/two", "revision"},
		{"a binding with a third role", func(w *fakeCluster) {
			_ = w.bindings.Tracker().Update(bindingsResource(), bindingObject("aistor-adminjob", "third"), "")
		}, "ClusterRoleBinding/aistor-adminjob", "roleRef"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				tt.change(w)
				_, err := w.newAttempt(t, "me").runAttempt(t.Context())
				drift, ok := errors.AsType[*DriftError](err)
				if !ok || drift.Object != tt.object || drift.Field != tt.field {
					t.Fatalf("error: %v", err)
				}
				stopped, _ := errors.AsType[*StoppedError](err)
				if stopped.Changed || slices.Contains(w.calls, "helm upgrade") || slices.Contains(w.calls, "push") {
					t.Errorf("something was done: %v", w.calls)
				}
			})
		})
	}
}

func TestDriftThatHappensWhileTheRunIsUnderWayStopsBeforeItsStep(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		w.onHalf = func(r UpgradeRequest) {
			if r.Name == "one" {
				w.updateState(func() {
					w.releases["ns-two/two"] = append(w.releases["ns-two/two"], HelmRelease{Chart: "aistor-objectstore", Version: "1.0.13", Status: "pending-upgrade", Revision: 2})
				})
			}
		}
		_, err := w.newAttempt(t, "me").runAttempt(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || stopped.Step != "store-two" || !stopped.Changed || !errors.As(err, new(*DriftError)) {
			t.Fatalf("error: %v", err)
		}
	})
}

func TestStopAfterParksAndTheNextRunGoesOn(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.opts.StopAfter = "operator-5.10.0"
		out, err := x.runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"store-one", "store-two", "validate"}
		if diff := cmp.Diff(want, out.Remaining); diff != "" || out.PauseReason == "" {
			t.Errorf("paused %q, remaining (-want +got):\n%s", out.PauseReason, diff)
		}
		if _, err := w.newAttempt(t, "me").runAttempt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.checkUpgraded(t)
	})
}

func TestRunIsRefusedBeforeTheLeaseIsTaken(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		spoil  func(x *execution)
		expect string
	}{
		{"unknown step to stop after", func(x *execution) { x.opts.StopAfter = "nonsense" }, `stopping after "nonsense": the plan has no such step`},
		{"stop between bindings and operator", func(x *execution) { x.opts.StopAfter = "recreate-bindings-5.10.0" }, "would lack permissions"},
		{"refused plan", func(x *execution) { x.plan.Refusals = []plan.Notice{{ID: "x", Message: "a CRD would go"}} }, "a CRD would go"},
		{"other values than planned", func(x *execution) { x.in.Stores[0].Values = map[string]any{"a": 1} }, "they differ from the values of the plan"},
		{"other chart than planned", func(x *execution) { x.in.Stores[0].To.Digest = "sha256:other" }, "made from other inputs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				x := w.newAttempt(t, "me")
				tt.spoil(x)
				_, err := x.runAttempt(t.Context())
				if !errors.As(err, new(*StoppedError)) || !strings.Contains(err.Error(), tt.expect) {
					t.Fatalf("error: %v", err)
				}
				if len(w.client.Actions())+len(w.calls) != 0 {
					t.Errorf("requests were sent: %v", w.calls)
				}
			})
		})
	}
}

func TestStepThatCannotEndBeforeTheDeadlineIsNotStarted(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.opts.Deadline = time.Now().Add(6 * time.Minute) // the operator fits, a store after it does not
		_, err := x.runAttempt(t.Context())
		stopped, ok := errors.AsType[*StoppedError](err)
		if !ok || !errors.Is(err, ErrDeadline) || stopped.Step != "store-two" {
			t.Fatalf("error: %v", err)
		}
		if len(w.releases["ns-two/two"]) != 1 {
			t.Error("the second store was touched")
		}
	})
}
