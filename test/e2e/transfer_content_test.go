package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// registryProcess is distribution on loopback with a directory of its own.
type registryProcess struct{ host string }

// The port is the registry's choice: one that was chosen for it may be another's
// before it listens there.
const registryConfig = `version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %q}, maintenance: {uploadpurging: {enabled: false}}}
http: {addr: "127.0.0.1:0", relativeurls: true}
`

// listening is what the registry says when it answers, with its address.
var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)

func startRegistry(t *testing.T) registryProcess {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, registryConfig, filepath.Join(dir, "data")), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(tool(t, "registry", "registry"), "serve", config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		said, err := os.ReadFile(log.Name())
		if err != nil {
			t.Fatal(err)
		}
		if at := listening.FindSubmatch(said); at != nil {
			return registryProcess{string(at[1])}
		}
		if time.Now().After(end) {
			t.Fatalf("the registry does not listen:\n%s", said)
		}
	}
}

// tool is the path of a program of one of the local cluster's tools.
func tool(t *testing.T, name, program string) string {
	t.Helper()
	out, err := exec.Command(filepath.Join(bin, "lab"), "tools", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), program)
}

// content is what a registry was filled with.
type content struct {
	images         []string
	bytes, largest int64 // of the layers
}

type ociDescriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// fill puts four images of eight layers each into a registry.
func fill(t *testing.T, host string) content {
	t.Helper()
	var c content
	for i := range 4 {
		repo := fmt.Sprintf("quay.io/minio/aistor/kill-%d", i)
		m := map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
		var layers []ociDescriptor
		for n := range 8 {
			b := make([]byte, 1<<20+n<<14)
			_, _ = rand.NewChaCha8([32]byte{byte(i), byte(n)}).Read(b)
			layers = append(layers, put(t, host, repo, "application/vnd.oci.image.layer.v1.tar+gzip", b))
			c.bytes, c.largest = c.bytes+int64(len(b)), max(c.largest, int64(len(b)))
		}
		m["config"] = put(t, host, repo, "application/vnd.oci.image.config.v1+json", fmt.Appendf(nil, `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]},"author":"%d"}`, i))
		m["layers"] = layers
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		send(t, http.MethodPut, "http://"+host+"/v2/"+repo+"/manifests/v1", "application/vnd.oci.image.manifest.v1+json", raw)
		c.images = append(c.images, repo+":v1")
	}
	return c
}

func put(t *testing.T, host, repo, mediaType string, b []byte) ociDescriptor {
	t.Helper()
	resp := send(t, http.MethodPost, "http://"+host+"/v2/"+repo+"/blobs/uploads/", "", nil)
	at, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	d := ociDescriptor{mediaType, fmt.Sprintf("sha256:%x", sha256.Sum256(b)), int64(len(b))}
	q := at.Query()
	q.Set("digest", d.Digest)
	at.RawQuery = q.Encode()
	send(t, http.MethodPut, at.String(), "application/octet-stream", b)
	return d
}

func send(t *testing.T, method, u, mediaType string, b []byte) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, u, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s", method, u, resp.Status)
	}
	return resp
}

// writeChart packs a chart that asks for the images.
func writeChart(t *testing.T, dir, chart, version string, c content) string {
	t.Helper()
	pod := "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers:\n"
	for i, image := range c.images {
		pod += fmt.Sprintf("  - name: c%d\n    image: %s\n", i, image)
	}
	source := t.TempDir()
	if err := os.Mkdir(filepath.Join(source, "templates"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"Chart.yaml": "apiVersion: v2\nname: " + chart + "\nversion: " + version + "\n", "templates/pod.yaml": pod,
	} {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, exec.Command(tool(t, "helm3", "helm"), "package", source, "--destination", dir))
	return filepath.Join(dir, chart+"-"+version+".tgz")
}
