package upgrade

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ktesting "k8s.io/client-go/testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// The request that creates a binding may arrive although its answer is lost, and
// another client may create one of that name in between.
func TestRestoredBindingThatIsThereAlreadyIsComparedWithTheWantedOne(t *testing.T) {
	t.Parallel()
	for role, wantAlarm := range map[string]string{
		"old-role":      "",
		"cluster-admin": "ClusterRoleBinding/aistor-adminjob is not restored: somebody else has created it",
	} {
		t.Run(role, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				w.onUpgrade = func(UpgradeRequest) error { return errors.New("refused") }
				lost := false
				w.bindings.PrependReactor("create", "clusterrolebindings", func(a ktesting.Action) (bool, runtime.Object, error) {
					if lost {
						return false, nil, nil
					}
					lost = true
					if err := w.bindings.Tracker().Create(bindingsResource(), bindingObject("aistor-adminjob", role), "", meta.CreateOptions{}); err != nil {
						t.Error(err)
					}
					return true, nil, syscall.ECONNRESET
				})
				x := w.newAttempt(t, "me")
				if _, err := x.runAttempt(t.Context()); !errors.As(err, new(*StoppedError)) {
					t.Fatalf("error: %v", err)
				}
				if got := strings.Join(x.told.alarmMessages(), "\n"); wantAlarm == "" && got != "" || !strings.Contains(got, wantAlarm) {
					t.Errorf("alarms: %q", got)
				}
				if said := x.told.hasMessage("ClusterRoleBinding/aistor-adminjob is restored as it was"); said != (wantAlarm == "") || w.bindingRole(t, "aistor-object-store") != "ClusterRole/old-role" {
					t.Errorf("said to be restored: %t", said)
				}
			})
		})
	}
}

func TestLicenseWhoseAnswerWasLostIsWritten(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		secret := &core.Secret{ObjectMeta: meta.ObjectMeta{Namespace: "aistor", Name: "minio-license"}, Data: map[string][]byte{aistor.LicenseSecretKey: []byte("old")}}
		if _, err := w.client.CoreV1().Secrets("aistor").Create(t.Context(), secret, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		tries := 0
		w.client.PrependReactor("update", "secrets", func(a ktesting.Action) (bool, runtime.Object, error) {
			if tries++; tries > 1 {
				return true, nil, apierrors.NewConflict(core.Resource("secrets"), "minio-license", errors.New("changed"))
			}
			written := a.(ktesting.UpdateAction).GetObject()
			if err := w.client.Tracker().Update(core.SchemeGroupVersion.WithResource("secrets"), written, "aistor"); err != nil {
				t.Error(err)
			}
			return true, nil, syscall.ECONNRESET
		})
		x := w.newAttempt(t, "me")
		x.in.License = []byte("new")
		x.plan.Steps = []plan.Step{{ID: "license", Action: plan.ActionLicense, Objects: []plan.ObjectKey{{Kind: "Secret", Namespace: "aistor", Name: "minio-license"}}}}
		if _, err := x.runAttempt(t.Context()); err != nil || tries != 2 {
			t.Errorf("after %d tries: %v", tries, err)
		}
	})
}
