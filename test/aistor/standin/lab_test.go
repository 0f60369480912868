package standin_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/test/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/test/aistor/images"
	"github.com/aistor-upgrade/aistor-upgrade/test/aistor/standin"
)

// lab is a cluster made for this test, with simulated nodes and a registry.
type lab struct {
	client         *standin.Client
	registry, dir  string
	operatorValues string
	log            *journal
}

type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Getenv("LAB_STATE") == "" || os.Getenv("UPSTREAM_REGISTRY") == "" {
		t.Skip("LAB_STATE and UPSTREAM_REGISTRY name no cluster to try this on")
	}
	client, err := standin.FromKubeconfig(os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{client: client, registry: os.Getenv("UPSTREAM_REGISTRY"), dir: t.TempDir(), log: &journal{}}
	if _, err := aistor.Package(l.dir); err != nil {
		t.Fatal(err)
	}
	builder, err := images.NewBuilder(t.Context(), images.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := images.List(false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := builder.Push(t.Context(), images.Target{Registry: l.registry, PlainHTTP: true}, all...); err != nil {
		t.Fatal(err)
	}
	l.operatorValues = l.file(t, "operator.yaml", fmt.Sprintf(`
repositories:
  aistor: {hostname: %q, pathPrefix: quay.io/minio/aistor/, imagePullSecrets: [{name: pull}]}
  minio: {hostname: %q, pathPrefix: quay.io/minio/, imagePullSecrets: [{name: pull}]}
`, l.registry, l.registry))
	outside := &standin.Outside{Client: client, Impersonate: true, Volumes: true, Switches: standin.DefaultSwitches(), Now: time.Now, Log: l.log}
	ctx, stop := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { standin.Every(ctx, 200*time.Millisecond, l.log, outside.Once) })
	t.Cleanup(func() {
		stop()
		done.Wait()
		if t.Failed() {
			t.Logf("the stand-in's journal:\n%s", l.log)
		}
	})
	return l
}

func (l *lab) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(l.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// helm upgrades a release in the namespace of the same name.
func (l *lab) helm(t *testing.T, release, chart, values string) error {
	t.Helper()
	command := exec.CommandContext(t.Context(), "helm", "upgrade", "--install", "-n", release, "--create-namespace", release,
		filepath.Join(l.dir, chart+".tgz"), "-f", values, "--wait", "--timeout", "10m")
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	return nil
}

func (l *lab) upgrade(t *testing.T, release, chart, values string) {
	t.Helper()
	if err := l.helm(t, release, chart, values); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until the question is answered with yes.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Minute)
	for !yes() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (l *lab) get(t *testing.T, path string) standin.Object {
	t.Helper()
	o, err := l.client.Get(t.Context(), path)
	if err != nil {
		return standin.Object{}
	}
	return o
}

// runs reports whether the store is well and all of its servers run that image
// tag and its sidecars that other one.
func (l *lab) runs(t *testing.T, minio, sidecar string) bool {
	store := l.get(t, standin.Path("aistor.min.io/v1", "tenant", "objectstores", "primary"))
	if store.Text("status", "healthStatus") != "green" || store.Text("status", "currentState") != "Initialized" {
		return false
	}
	pods, err := l.client.List(t.Context(), standin.Path("v1", "tenant", "pods"), "labelSelector", "v1.min.io/tenant=primary")
	if err != nil || len(pods) != 4 {
		return false
	}
	for _, pod := range pods {
		containers := pod.List("spec", "containers")
		if !strings.HasSuffix(containers[0].Text("image"), "/minio:RELEASE."+minio) || !strings.HasSuffix(containers[1].Text("image"), "/minio-sidecar:RELEASE."+sidecar) {
			return false
		}
	}
	return true
}

const storeValues = `
secrets: {name: root, accessKey: admin, secretKey: correct-horse}
objectStore:
  name: primary
  configuration: {name: root}
  pools: [{name: pool-0, servers: 4, volumesPerServer: 2, size: 1Gi}]
`

// TestTheWholeHistory upgrades one installation from before the rename to the
// newest fixture, into the trap on the way and out of it again.
func TestTheWholeHistory(t *testing.T) {
	l := newLab(t)
	plain := l.file(t, "store.yaml", storeValues)
	l.upgrade(t, "aistor", "aistor-objectstore-operator-5.1.0", l.operatorValues)
	l.upgrade(t, "tenant", "aistor-objectstore-1.0.9", plain)
	eventually(t, "5.1.0 serves", func() bool { return l.runs(t, "2025-08-13T17-08-54Z", "2025-06-30T21-59-04Z") })

	l.upgrade(t, "aistor", "aistor-operator-5.6.4", l.operatorValues)
	eventually(t, "5.6.4 serves", func() bool { return l.runs(t, "2026-05-04T23-02-27Z", "2026-04-11T08-21-39Z") })
	if !strings.Contains(l.log.String(), "to RELEASE.2026-05-04T23-02-27Z, all-at-once") {
		t.Error("crossing the border release did not restart all pods at once")
	}
	hook := standin.Path("admissionregistration.k8s.io/v1", "", "mutatingwebhookconfigurations", "object-store-operator-webhook")
	eventually(t, "the webhook has its authority", func() bool {
		hooks := l.get(t, hook).List("webhooks")
		return len(hooks) == 1 && hooks[0].Text("clientConfig", "caBundle") != ""
	})

	err := l.helm(t, "aistor", "aistor-operator-5.10.0", l.operatorValues)
	if err == nil || !strings.Contains(err.Error(), "cannot change roleRef") {
		t.Fatalf("5.6.4 to 5.10.0: %v", err)
	}
	eventually(t, "the new operator has no rights", func() bool {
		return strings.Contains(l.log.String(), `User "system:serviceaccount:aistor:object-store" cannot list resource "objectstores"`)
	})
	if !l.runs(t, "2026-05-04T23-02-27Z", "2026-04-11T08-21-39Z") {
		t.Error("the store changed although its operator has no rights")
	}

	l.upgrade(t, "aistor", "aistor-operator-5.8.0", l.operatorValues)
	l.upgrade(t, "aistor", "aistor-operator-5.10.0", l.operatorValues)
	eventually(t, "5.10.0 serves", func() bool { return l.runs(t, "2026-06-06T02-44-06Z", "2026-07-14T22-07-12Z") })
	if !strings.Contains(l.log.String(), "to RELEASE.2026-06-06T02-44-06Z, one-by-one") {
		t.Error("an upgrade after the border release was not one by one")
	}
	l.switches(t)
}

// switches continues with other behaviours: nothing rolls for the operator's sake,
// the operator deletes pods itself, and pull secrets travel.
func (l *lab) switches(t *testing.T) {
	t.Helper()
	live := standin.Object{"metadata": map[string]any{"name": "standin"}, "data": map[string]any{
		"restartOnConfigMap": "false", "updateStrategy": "OnDelete", "copyPullSecrets": "true"}}
	if err := l.client.Create(t.Context(), standin.Path("v1", "aistor", "configmaps"), live); err != nil {
		t.Fatal(err)
	}
	pull := standin.Object{"metadata": map[string]any{"name": "pull"}, "stringData": map[string]any{"key": "value"}}
	if err := l.client.Create(t.Context(), standin.Path("v1", "aistor", "secrets"), pull); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pull secret is copied", func() bool { return l.get(t, standin.Path("v1", "tenant", "secrets", "pull")).Name() != "" })
	set := standin.Path("apps/v1", "tenant", "statefulsets", "primary-pool-0")
	eventually(t, "the strategy is OnDelete", func() bool { return l.get(t, set).Text("spec", "updateStrategy", "type") == "OnDelete" })

	pinned := l.file(t, "pinned.yaml", storeValues+fmt.Sprintf(`
  disablePodDisruptionBudget: true
  image: {repository: %q, tag: RELEASE.2026-05-04T23-02-27Z}
`, l.registry+"/quay.io/minio/aistor/minio"))
	before := strings.Count(l.log.String(), "deleting outdated pod")
	l.upgrade(t, "tenant", "aistor-objectstore-1.0.16", pinned)
	eventually(t, "the pinned image serves", func() bool { return l.runs(t, "2026-05-04T23-02-27Z", "2026-07-14T22-07-12Z") })
	if diff := cmp.Diff(4, strings.Count(l.log.String(), "deleting outdated pod")-before); diff != "" {
		t.Errorf("pods the operator deleted (-want +got):\n%s", diff)
	}
	store := l.get(t, standin.Path("aistor.min.io/v1", "tenant", "objectstores", "primary"))
	if !store.Bool("spec", "disablePodDisruptionBudget") {
		t.Error("a field that 5.10.0 knows was pruned")
	}
}
