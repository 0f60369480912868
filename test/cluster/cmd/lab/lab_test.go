package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/lab"
)

// The first run builds Kubernetes, which takes minutes: `lab tools` beforehand,
// or -timeout 30m.
func TestTwoLabsSideBySide(t *testing.T) {
	if testing.Short() {
		t.Skip("starts two clusters: not with -short")
	}
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "lab")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building lab: %v\n%s", err, out)
	}
	for _, title := range []string{"one", "other"} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			state := filepath.Join(t.TempDir(), "state")
			mustRun(t, binary, "up", "--state", state, "--nodes", "3")
			t.Cleanup(func() { _ = exec.Command(binary, "down", "--state", state).Run() })
			l, err := lab.Open(state)
			if err != nil {
				t.Fatal(err)
			}
			pods(t, l)
			airgap(t, binary, l)
			downLeavesNothing(t, binary, l)
		})
	}
}

// pods shows that pods run when their secret is right, and only then.
func pods(t *testing.T, l *lab.Lab) {
	client, err := l.Client()
	if err != nil {
		t.Fatal(err)
	}
	image, digest := push(t, l)
	password := read(t, l.PasswordFile())
	createSet(t, client, "right", image, pullSecret(l, password))
	createSet(t, client, "wrong", image, pullSecret(l, "nonsense"))

	right := await(t, client, "right-1", func(p *corev1.Pod) bool { return condition(p, corev1.PodReady) })
	if got, want := right.Status.ContainerStatuses[0].ImageID, strings.TrimSuffix(image, ":1")+"@"+digest; got != want {
		t.Errorf("imageID %q, want %q", got, want)
	}
	wrong := await(t, client, "wrong-0", func(p *corev1.Pod) bool { return reason(p) == "ImagePullBackOff" })
	if message := wrong.Status.ContainerStatuses[0].State.Waiting.Message; !strings.Contains(message, "401 Unauthorized") {
		t.Errorf("message %q does not say 401 Unauthorized", message)
	}

	secret := pullSecret(l, password)
	secret.Name = "wrong"
	if _, err := client.CoreV1().Secrets("default").Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, client, "wrong-0", func(p *corev1.Pod) bool { return condition(p, corev1.PodReady) })
}

func airgap(t *testing.T, binary string, l *lab.Lab) {
	url := "http://" + l.Registry("upstream") + "/v2/"
	answers := func() bool {
		resp, err := http.Get(url)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}
	mustRun(t, binary, "stop-upstream", "--state", l.Dir)
	if answers() {
		t.Error("the upstream registry answers after stop-upstream")
	}
	mustRun(t, binary, "start-upstream", "--state", l.Dir)
	for deadline := time.Now().Add(2 * time.Minute); !answers(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the upstream registry does not come back")
		}
	}
}

func downLeavesNothing(t *testing.T, binary string, l *lab.Lab) {
	before, err := l.Status()
	if err != nil {
		t.Fatal(err)
	}
	if len(before) < 8 {
		t.Errorf("only these parts were started: %+v", before)
	}
	mustRun(t, binary, "down", "--state", l.Dir)
	for _, p := range before {
		if command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID)); err == nil && bytes.Contains(command, []byte(l.Dir)) {
			t.Errorf("%s still runs as process %d", p.Part, p.PID)
		}
	}
	mustRun(t, binary, "down", "--state", l.Dir)
}

func mustRun(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", filepath.Base(name), args, err, out)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func push(t *testing.T, l *lab.Lab) (image, digest string) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(read(t, l.CAFile())))
	ref, err := name.ParseReference(l.Registry("private") + "/aistor/minio:1")
	if err != nil {
		t.Fatal(err)
	}
	content, err := random.Image(1024, 2)
	if err != nil {
		t.Fatal(err)
	}
	err = remote.Write(ref, content,
		remote.WithTransport(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}),
		remote.WithAuth(&authn.Basic{Username: l.User, Password: read(t, l.PasswordFile())}))
	if err != nil {
		t.Fatal(err)
	}
	hash, err := content.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return ref.Name(), hash.String()
}

func pullSecret(l *lab.Lab, password string) *corev1.Secret {
	auth := base64.StdEncoding.EncodeToString([]byte(l.User + ":" + password))
	return &corev1.Secret{
		Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, l.Registry("private"), auth)},
	}
}

// createSet makes a StatefulSet of two with a volume each, and its secret.
func createSet(t *testing.T, client kubernetes.Interface, title, image string, secret *corev1.Secret) {
	t.Helper()
	secret.Name = title
	if _, err := client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	labels, replicas := map[string]string{"app": title}, int32(2)
	set := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: title},
		Spec: appsv1.StatefulSetSpec{
			ServiceName: title, Replicas: &replicas, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
				ImagePullSecrets: []corev1.LocalObjectReference{{Name: title}},
				Containers: []corev1.Container{{Name: "minio", Image: image, VolumeMounts: []corev1.VolumeMount{
					{Name: "data", MountPath: "/data"},
				}}},
			}},
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
				ObjectMeta: metav1.ObjectMeta{Name: "data"},
				Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{
						corev1.ResourceStorage: resource.MustParse("1Gi"),
					}},
				},
			}},
		},
	}
	if _, err := client.AppsV1().StatefulSets("default").Create(t.Context(), set, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// await checks a pod until it is as wanted.
func await(t *testing.T, client kubernetes.Interface, pod string, want func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for {
		got, err := client.CoreV1().Pods("default").Get(ctx, pod, metav1.GetOptions{})
		if err == nil && want(got) {
			return got
		}
		select {
		case <-ctx.Done():
			t.Fatalf("pod %s is not as wanted: %v\n%+v", pod, err, got.Status)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func condition(p *corev1.Pod, kind corev1.PodConditionType) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == kind {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func reason(p *corev1.Pod) string {
	if len(p.Status.ContainerStatuses) == 0 || p.Status.ContainerStatuses[0].State.Waiting == nil {
		return ""
	}
	return p.Status.ContainerStatuses[0].State.Waiting.Reason
}
