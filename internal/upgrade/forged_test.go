package upgrade

import (
	"errors"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// clusterAdmin is what somebody would like an administrator to create.
const clusterAdmin = `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"NAME"},
	"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"},
	"subjects":[{"kind":"ServiceAccount","namespace":"default","name":"default"}]}`

// forge puts a ConfigMap into the world that looks like a journal.
func (w *fakeCluster) forge(t *testing.T, doc string) {
	t.Helper()
	cm := &core.ConfigMap{
		ObjectMeta: meta.ObjectMeta{Name: "forged", Namespace: "aistor", Labels: map[string]string{"app.kubernetes.io/managed-by": journal.ManagedBy}},
		Data:       map[string]string{"run.json": doc},
	}
	if _, err := w.client.CoreV1().ConfigMaps("aistor").Create(t.Context(), cm, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Anybody who may write ConfigMaps may write what looks like a journal. Nothing
// but what the release's own manifest has is created on its word.
func TestForgedJournalMakesNobodyAnAdministrator(t *testing.T) {
	t.Parallel()
	head := `{"apiVersion":"` + plan.APIVersion + `","attempts":[{"started":"2026-01-02T03:04:05Z"}],`
	saved := func(plan, step, name string) string {
		return head + `"plan":"` + plan + `","steps":[{"id":"` + step + `","action":"recreate-bindings","target":"aistor/aistor","status":"done","changed":true,"saved":[` +
			strings.Replace(clusterAdmin, "NAME", name, 1) + `]}]}`
	}
	tests := []struct {
		name string
		doc  func(x *execution) string
	}{
		{"saved by a run of another plan", func(*execution) string { return saved("sha256:aa", "recreate-bindings-1", "evil") }},
		{"saved by this plan's own step", func(x *execution) string { return saved(x.plan.Digest(), "recreate-bindings-5.10.0", "evil") }},
		{"under the name of a real binding", func(*execution) string { return saved("sha256:aa", "recreate-bindings-1", "aistor-adminjob") }},
		{"orphaned", func(*execution) string {
			return head + `"plan":"sha256:aa","changedBefore":true,"steps":[],"orphans":[` + strings.Replace(clusterAdmin, "NAME", "evil", 1) + `]}`
		}},
		{"orphaned in this plan", func(x *execution) string {
			return head + `"plan":"` + x.plan.Digest() + `","steps":[],"orphans":[` + strings.Replace(clusterAdmin, "NAME", "evil", 1) + `]}`
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				x := w.newAttempt(t, "me")
				w.forge(t, tt.doc(x))
				w.onUpgrade = func(r UpgradeRequest) error { return errors.New("refused") }
				if _, err := x.runAttempt(t.Context()); !errors.As(err, new(*StoppedError)) {
					t.Fatalf("error: %v", err)
				}
				if role := w.bindingRole(t, "evil"); role != "" {
					t.Errorf("evil has role %s", role)
				}
				// What was really deleted is back.
				for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
					if role := w.bindingRole(t, name); role != "ClusterRole/old-role" {
						t.Errorf("%s has role %q", name, role)
					}
				}
				// What another plan's run claims is not even checked: no binding was missing.
				named := strings.Contains(tt.doc(x), `"evil"`) && strings.Contains(tt.doc(x), x.plan.Digest())
				if named && !strings.Contains(strings.Join(x.told.alarmMessages(), "\n"), "ClusterRoleBinding/evil is not restored") {
					t.Errorf("alarms: %q", x.told.alarmMessages())
				}
			})
		})
	}
}

// A killed run's bindings come back from the release's manifest.
func TestBindingsOfAKilledRunAreRestoredAsTheManifestHasThem(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		backups, deleted := t.TempDir(), 0
		w.killedAt(t, backups, func(p string) bool {
			if p == "binding delete" {
				deleted++
			}
			return p == "helm upgrade"
		})
		if deleted != 2 || w.bindingRole(t, "aistor-adminjob") != "" {
			t.Fatalf("%d bindings deleted", deleted)
		}
		x := w.newReplannedAttempt(t, backups, "second")
		w.onUpgrade = func(UpgradeRequest) error { return errors.New("refused") }
		if _, err := x.runAttempt(t.Context()); !errors.As(err, new(*StoppedError)) {
			t.Fatalf("error: %v", err)
		}
		u, err := w.bindings.Tracker().Get(bindingsResource(), "", "aistor-adminjob")
		if apierrors.IsNotFound(err) || w.bindingRole(t, "aistor-adminjob") != "ClusterRole/old-role" {
			t.Fatalf("not restored: %v, %q", err, x.told.alarmMessages())
		}
		if owner := u.(meta.Object).GetAnnotations()["meta.helm.sh/release-name"]; owner != "aistor" {
			t.Errorf("it belongs to release %q", owner)
		}
	})
}
