package standin

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func process(name string, out *bytes.Buffer, args ...string) Process {
	return Process{Name: name, Args: args, Out: out, Err: out, Now: time.Now,
		Getenv:   func(key string) string { return map[string]string{"AISTOR_RELEASE": "RELEASE.X"}[key] },
		Hostname: func() (string, error) { return "pod-0", nil }}
}

func TestRolesByNameOrFirstWord(t *testing.T) {
	t.Parallel()
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, test := range []struct {
		name, program string
		args          []string
		out, fails    string
	}{
		{name: "version by name", program: "/minio", args: []string{"--version"}, out: "minio version RELEASE.X\n"},
		{name: "version by word", program: "/usr/bin/standin", args: []string{"mc", "--version"}, out: "mc version RELEASE.X\n"},
		{name: "init container ends", program: "/minio-sidecar", args: []string{"validate"}},
		{name: "sidecar stops when told", program: "/minio-sidecar", args: []string{"sidecar"}},
		{name: "adminjob stops when told", program: "/operator", args: []string{"adminjob", "-license", "/tmp/license/minio.license"}},
		{name: "no pod", program: "/operator", args: []string{"object-store"}, fails: "not in a pod"},
		{name: "no kubeconfig", program: "standin", args: []string{"operator", "--kubeconfig", "/nowhere"}, fails: "reading kubeconfig"},
		{name: "unknown", program: "standin", args: []string{"dance"}, fails: `playing "dance": no such role`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := Run(stopped, process(test.program, &out, test.args...))
			if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
				t.Fatalf("error is %v, want %q", err, test.fails)
			}
			if test.fails == "" && out.String() != test.out {
				t.Errorf("printed %q, want %q", out.String(), test.out)
			}
		})
	}
}

func TestHealthAddresses(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(ServerHandler("RELEASE.X"))
	t.Cleanup(server.Close)
	for path, want := range map[string]int{"/minio/health/live": 200, "/minio/health/ready": 200, "/minio/health/cluster": 200, "/minio/health/cluster?maintenance=true": 200, "/bucket": 404} {
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want || want == 200 && response.Header.Get("X-Minio-Version") != "RELEASE.X" {
			t.Errorf("%s answers %d with version %q", path, response.StatusCode, response.Header.Get("X-Minio-Version"))
		}
	}
}

func TestWebhookLetsPodsPassOverItsOwnAuthority(t *testing.T) {
	t.Parallel()
	authority, pair, err := certificates("object-store-webhook.aistor.svc", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(WebhookHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "object-store-webhook.aistor.svc"}}}
	response, err := client.Post(server.URL+"/mutate", "application/json", strings.NewReader(`{"apiVersion":"admission.k8s.io/v1","request":{"uid":"u"}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer Object
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"uid": "u", "allowed": true}, answer["response"]); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestClientSpeaksInAnothersNameAndTellsWhatWasAnswered(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"reason":"Forbidden","message":"as %s by %s"}`, r.Header.Get("Impersonate-User"), r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	authority := base64.StdEncoding.EncodeToString(pemOf(server.Certificate()))
	file := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf(`{current-context: c, contexts: [{name: c, context: {cluster: k, user: u}}],
  clusters: [{name: k, cluster: {server: %q, certificate-authority-data: %s}}], users: [{name: u, user: {token: secret}}]}`, server.URL, authority)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := FromKubeconfig(file)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.As("system:serviceaccount:aistor:object-store").Get(t.Context(), Path("v1", "aistor", "pods", "p"))
	want := "GET /api/v1/namespaces/aistor/pods/p: as system:serviceaccount:aistor:object-store by Bearer secret (403)"
	if err == nil || err.Error() != want || !hasCode(err, http.StatusForbidden) {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func pemOf(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
}
