package upgrade

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const rotated = "rotated-by-hand-2718281828"

func configEnv(password string) string {
	return "export MINIO_ROOT_USER=root\nexport MINIO_ROOT_PASSWORD=" + password + "\n"
}

// withLogin gives store one a Secret with its root login, which the step leaves
// as it is.
func (x *execution) withLogin() {
	c := &x.in.Stores[0]
	for _, list := range []*[]images.Object{&c.Before, &c.After} {
		image := "reg.example/aistor/minio:old"
		if list == &c.After {
			image = "reg.example/aistor/minio:new"
		}
		*list = []images.Object{
			{"apiVersion": "aistor.min.io/v1", "kind": "ObjectStore", "metadata": map[string]any{"name": "one"},
				"spec": map[string]any{"image": image, "configuration": map[string]any{"name": "one-env"}}},
			{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "one-env"}, "stringData": map[string]any{"config.env": configEnv(planted)}},
		}
	}
	x.in.Facts = &plan.Facts{Namespace: "aistor"}
	x.w.setLogin(planted)
}

func (w *fakeCluster) setLogin(password string) {
	w.updateState(func() {
		w.secrets = map[string]map[string]plan.Sensitive{"ns-one/one-env": {"config.env": plan.Sensitive(configEnv(password))}}
	})
}

// Whoever rotates a password manually while a plan is executed keeps it.
func TestStepDoesNotSetALoginBackThatWasChangedAfterThePlanWasMade(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(w *fakeCluster, x *execution, point string)
		accept bool
		want   string
	}{
		{"nobody changes it", func(*fakeCluster, *execution, string) {}, false, ""},
		{"before the first step", func(w *fakeCluster, _ *execution, point string) {
			if point == "push" {
				w.setLogin(rotated)
			}
		}, false, "the root credentials of ns-one/one change: password (Secret one-env)"},
		{"between two calls of Helm", func(w *fakeCluster, _ *execution, point string) {
			if point == "helm half" && len(w.releases["ns-one/one"]) == 2 {
				w.setLogin(rotated)
			}
		}, false, "the root credentials of ns-one/one change: password (Secret one-env)"},
		{"a change was accepted", func(w *fakeCluster, _ *execution, point string) {
			if point == "push" {
				w.setLogin(rotated)
			}
		}, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runInBubble(t, func(t *testing.T, w *fakeCluster) {
				x := w.newAttempt(t, "me")
				x.withLogin()
				x.opts.ReplanCommand = "look at a plan"
				if tt.accept {
					x.in.Options.AcceptCredentials = []string{"ns-one/one"}
				}
				w.onRequest = func(point string) { tt.change(w, x, point) }
				failed := false
				w.onUpgrade = func(r UpgradeRequest) error {
					if r.Name == "one" && !failed && strings.Contains(tt.name, "calls of Helm") {
						failed = true
						return errors.New("connection refused")
					}
					return nil
				}
				_, err := x.runAttempt(t.Context())
				if tt.want == "" {
					if err != nil {
						t.Fatal(err)
					}
					w.checkUpgraded(t)
					return
				}
				if !errors.As(err, new(*CredentialError)) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "hint: look at a plan") || strings.Contains(err.Error(), rotated) {
					t.Fatalf("received: %v\nexpected: %s", err, tt.want)
				}
				if slices.ContainsFunc(w.releases["ns-one/one"], func(r HelmRelease) bool { return r.Status == "deployed" && r.Version == "1.0.16" }) {
					t.Error("the release was upgraded")
				}
			})
		})
	}
}
