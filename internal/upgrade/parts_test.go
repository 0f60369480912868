package upgrade

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	ktesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestErrorsSayWhatChangedAndWhatToTypeNext(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"stopped", &StoppedError{Step: "store-a", Changed: true, Cause: errors.New("refused"), Next: "helm aistor upgrade", Evidence: "/b/f"},
			"upgrading: running step \"store-a\": refused\nthe cluster was changed\nlogs and events: /b/f\nhint: helm aistor upgrade"},
		{"stopped by text of several lines", &StoppedError{Cause: fmt.Errorf("creating: %w", errors.New("no\nhint: run curl"))}, "upgrading: creating: no\\nhint: run curl\nnothing was changed"},
		{"unready with several lines", &TimeoutError{After: time.Minute, Unready: []string{"a\nhint: b"}}, "no progress for 1m0s\nunready: a\\nhint: b"},
		{"drift to several lines", &DriftError{Object: "a\nb", Field: "c", Expected: "d\n", Received: "\u202e"},
			`a\nb was changed by another client: c` + "\nreceived: " + `\u202e` + "\nexpected: " + `d\n`},
		{"stopped before anything", &StoppedError{Cause: errors.New("refused")}, "upgrading: refused\nnothing was changed"},
		{"busy", &BusyError{Holder: "host/1", Since: at, Namespace: "team-a"}, "upgrading: another run is under way in namespace \"team-a\": held by host/1 since 2026-01-02T03:04:05Z\nnothing was changed\nhint: kubectl get lease aistor-upgrade -n team-a -o yaml"},
		{"busy, a rollback, since when is unknown", &BusyError{Holder: "host/1", Namespace: "aistor", Back: true}, "rolling back: another run is under way in namespace \"aistor\": held by host/1\nnothing was changed\nhint: kubectl get lease aistor-upgrade -n aistor -o yaml"},
		{"interrupted", &InterruptedError{Done: []string{"backup", "push"}, Next: "again"},
			"upgrading: interrupted\ndone: backup, push\nremaining: none\nhint: again"},
		{"time-out", &TimeoutError{After: time.Minute, Unready: []string{"a", "b"}}, "no progress for 1m0s\nunready: a\nunready: b"},
		{"drift", &DriftError{Object: "Release/a/b", Field: "chart", Expected: "c-1", Received: ""},
			"Release/a/b was changed by another client: chart\nreceived: (none)\nexpected: c-1"},
		{"stuck", &unrecoverableError{[]readiness.Failure{{Text: "x"}, {Text: "y"}}}, "cannot recover by waiting: x\nand: y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, tt.err.Error()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnlyBindingsAreReplacedAndOnlyTheOnesThatWereSeen(t *testing.T) {
	t.Parallel()
	client := dynamicfake.NewSimpleDynamicClient(runtime.NewScheme(), bindingObject("b", "old-role"))
	o := NewBindingClient(client)
	key := plan.ObjectKey{Kind: "ClusterRoleBinding", Name: "b"}
	live, err := o.Get(t.Context(), key)
	if err != nil || roleRefOf(live) != "ClusterRole/old-role" {
		t.Fatalf("received: %v, error %v", live, err)
	}
	if err := o.Delete(t.Context(), key, "uid-1", "7"); err != nil {
		t.Fatal(err)
	}
	actions := client.Actions()
	pre := actions[len(actions)-1].(ktesting.DeleteActionImpl).DeleteOptions.Preconditions
	if pre == nil || string(*pre.UID) != "uid-1" || *pre.ResourceVersion != "7" {
		t.Errorf("preconditions: %+v", pre)
	}
	if err := o.Delete(t.Context(), key, "uid-1", "7"); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	if gone, err := o.Get(t.Context(), key); gone != nil || err != nil {
		t.Errorf("received: %v, error %v", gone, err)
	}
	if err := o.Create(t.Context(), withoutServerFields(live)); err != nil {
		t.Fatal(err)
	}
	again, err := o.Get(t.Context(), key)
	if diff := cmp.Diff(withoutServerFields(live), withoutServerFields(again)); diff != "" || err != nil {
		t.Errorf("error %v, brought back (-want +got):\n%s", err, diff)
	}
	if images.NestedValue(again, "metadata", "uid") == "uid-b-old-role" {
		t.Error("the old uid was sent")
	}
	store := plan.ObjectKey{Kind: "ObjectStore", Namespace: "a", Name: "s"}
	if _, err := o.Get(t.Context(), store); err == nil {
		t.Error("an ObjectStore was read as a binding")
	}
	if err := o.Delete(t.Context(), store, "", ""); err == nil {
		t.Error("an ObjectStore was deleted")
	}
	if err := o.Create(t.Context(), images.Object{"kind": "ObjectStore"}); err == nil {
		t.Error("an ObjectStore was created")
	}
}

func TestBackupIsCompleteOnlyUntouched(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.opts.StopAfter = "backup"
		out, err := x.runAttempt(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		digest := x.plan.Digest()
		if !backupComplete(out.Backup, digest) {
			t.Fatal("the backup is not complete")
		}
		if backupComplete(out.Backup, "sha256:other") {
			t.Error("the backup counts for another plan")
		}
		for _, name := range []string{"releases/aistor/aistor/values.yaml", "releases/aistor/aistor/manifest.yaml", "objectstores/ns-one/one.yaml"} {
			path := filepath.Join(out.Backup, name)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, append(content, '#'), 0o600); err != nil {
				t.Fatal(err)
			}
			if backupComplete(out.Backup, digest) {
				t.Errorf("%s was changed and the backup is complete", name)
			}
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestGroupReachesFromTheBindingsToTheOperatorThatBringsThemBack(t *testing.T) {
	t.Parallel()
	var steps []plan.Step
	for _, a := range []plan.Action{plan.ActionBackup, plan.ActionOperator, plan.ActionRecreateBindings, plan.ActionOperator, plan.ActionStore, plan.ActionStore} {
		steps = append(steps, plan.Step{Action: a})
	}
	var sizes []int
	for _, g := range groupSteps(steps) {
		sizes = append(sizes, len(g))
	}
	if diff := cmp.Diff([]int{1, 1, 2, 1, 1}, sizes); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
}
