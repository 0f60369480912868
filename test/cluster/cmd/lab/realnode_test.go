package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/lab"
	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/realnode"
)

// A program that answers with what it finds at the URL it is requested.
const fetcher = `package main

import (
	"io"
	"net/http"
)

func main() {
	http.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	http.HandleFunc("/get", func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(r.URL.Query().Get("url"))
		if err != nil {
			io.WriteString(w, err.Error())
			return
		}
		io.Copy(w, resp.Body)
	})
	panic(http.ListenAndServe(":8080", nil))
}
`

func TestRealNode(t *testing.T) {
	if os.Getenv("AISTOR_TEST_REAL_NODE") == "" {
		t.Skip("starts containerd and a kubelet: only with AISTOR_TEST_REAL_NODE=1, as root on Debian")
	}
	dir := t.TempDir()
	binary, state := filepath.Join(dir, "lab"), filepath.Join(dir, "state")
	mustRun(t, "go", "build", "-o", binary, ".")
	mustRun(t, binary, "up", "--state", state, "--nodes", "1", "--real-node")
	t.Cleanup(func() { _ = exec.Command(binary, "down", "--state", state).Run() })
	l, err := lab.Open(state)
	if err != nil {
		t.Fatal(err)
	}
	client, err := l.Client()
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "fetcher", Labels: map[string]string{"app": "fetcher"}},
		Spec: corev1.PodSpec{
			NodeName:   realnode.Name,
			Containers: []corev1.Container{{Name: "fetcher", Image: pushFetcher(t, l)}},
		},
	}
	if _, err := client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "fetcher"},
		Spec:       corev1.ServiceSpec{Selector: pod.Labels, Ports: []corev1.ServicePort{{Port: 8080}}},
	}
	if service, err = client.CoreV1().Services("default").Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	running := await(t, client, "fetcher", func(p *corev1.Pod) bool { return condition(p, corev1.PodReady) })

	within := "http://" + running.Status.PodIP + ":8080/get?url="
	for name, tt := range map[string]struct{ url, says string }{
		"the machine reaches the pod":         {"http://" + running.Status.PodIP + ":8080/hello", "hello"},
		"the machine reaches the service":     {"http://" + service.Spec.ClusterIP + ":8080/hello", "hello"},
		"the pod finds the service by name":   {within + "http://fetcher:8080/hello", "hello"},
		"the pod reaches the API server":      {within + "http://kubernetes.default.svc:443", "HTTPS server"},
		"the pod finds no name outside":       {within + "http://quay.io", "no such host"},
		"the pod has no way out to addresses": {within + "http://1.1.1.1", "network is unreachable"},
	} {
		if got := fetch(t, tt.url, tt.says); !strings.Contains(got, tt.says) {
			t.Errorf("%s: got %q, want %q in it", name, got, tt.says)
		}
	}
	downLeavesNothing(t, binary, l)
	if _, err := os.Stat("/sys/class/net/" + realnode.NewNetwork(l.Number).Link()); err == nil {
		t.Error("the link to the node is left")
	}
	_, id, _ := strings.Cut(running.Status.ContainerStatuses[0].ContainerID, "://")
	if groups, _ := filepath.Glob("/sys/fs/cgroup/*/k8s.io/" + id); id == "" || len(groups) > 0 {
		t.Errorf("control groups are left: %v", groups)
	}
	mounted, err := os.ReadFile("/proc/self/mounts")
	if err != nil || bytes.Contains(mounted, []byte(state)) {
		t.Errorf("mounts below the state are left, or not to be seen: %v", err)
	}
}

// fetch asks until the answer is as wanted: rules and names take a moment.
func fetch(t *testing.T, url, want string) string {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second}
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		got := ""
		resp, err := client.Get(url)
		if err == nil {
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			got = string(body)
		} else {
			got = err.Error()
		}
		if strings.Contains(got, want) || time.Now().After(deadline) {
			return got
		}
	}
}

func pushFetcher(t *testing.T, l *lab.Lab) string {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{"go.mod": "module fetcher\n\ngo 1.26\n", "main.go": fetcher} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", "fetcher", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the fetcher: %v\n%s", err, out)
	}
	program := read(t, filepath.Join(dir, "fetcher"))
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	_ = w.WriteHeader(&tar.Header{Name: "fetcher", Mode: 0o755, Size: int64(len(program)), Typeflag: tar.TypeReg})
	fmt.Fprint(w, program)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, content)
	if err != nil {
		t.Fatal(err)
	}
	if image, err = mutate.Config(image, v1.Config{Entrypoint: []string{"/fetcher"}}); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(l.Registry("upstream")+"/test/fetcher:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	return ref.Name()
}
