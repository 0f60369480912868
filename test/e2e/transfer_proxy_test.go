package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Behind a proxy that wants a password, everything goes through it: charts from
// a repository, images, and a push. Nothing here can be reached without it: the
// names exist only in the proxy.
func TestEverythingGoesThroughAProxyWithAPassword(t *testing.T) {
	t.Parallel()
	upstream, private := startRegistry(t), startRegistry(t)
	im := fill(t, upstream.host)
	dir := t.TempDir()
	repository := chartRepository(t, dir, im)
	registry, ca := overTLS(t, upstream.host)
	target, _ := overTLS(t, private.host)
	proxy := startConnectProxy(t, map[string]string{
		"charts.example.com:443": repository, "quay.example.com:443": registry, "registry.example.com:5000": target,
	})
	caFile := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(caFile, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "a.bundle")
	create := func() *exec.Cmd {
		return helm("bundle", "create", file, "--repo", "https://charts.example.com", "--operator-version", "5.10.0", "--object-store-version", "1.0.16",
			"--from", "5.10.0", "--platform", "linux/amd64", "--mirror", "quay.io=quay.example.com/quay.io", "--ca", caFile)
	}
	push := func() *exec.Cmd { return helm("push", file, "--registry", "registry.example.com:5000", "--ca", caFile) }

	must(t, proxy.with(create(), "me:hunter2@"))
	must(t, helm("bundle", "verify", file))
	must(t, proxy.with(push(), "me:hunter2@"))
	for host := range proxy.to {
		if proxy.connects(host) == 0 {
			t.Errorf("%s was not reached through the proxy", host)
		}
	}
	for name, cmd := range map[string]*exec.Cmd{
		"create": proxy.with(create(), ""), "push": proxy.with(push(), "me:wrong@"),
	} {
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "Proxy Authentication Required") || strings.Contains(string(out), "wrong") {
			t.Errorf("%s without the proxy's password: %v\n%s", name, err, out)
		}
	}
}

// connectProxy is a proxy that tunnels for who has the password.
type connectProxy struct {
	host string
	to   map[string]string
	mu   sync.Mutex
	seen map[string]int
}

func startConnectProxy(t *testing.T, to map[string]string) *connectProxy {
	t.Helper()
	p := &connectProxy{to: to, seen: map[string]int{}}
	srv := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(srv.Close)
	p.host = srv.Listener.Addr().String()
	return p
}

// with sends a program's requests through the proxy.
func (p *connectProxy) with(cmd *exec.Cmd, login string) *exec.Cmd {
	cmd.Env = append(os.Environ(), "HTTPS_PROXY=http://"+login+p.host, "NO_PROXY=")
	return cmd
}

func (p *connectProxy) connects(host string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[host]
}

func (p *connectProxy) serve(w http.ResponseWriter, r *http.Request) {
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:hunter2"))
	switch {
	case r.Method != http.MethodConnect:
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	case r.Header.Get("Proxy-Authorization") != want:
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	case p.to[r.Host] == "":
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	p.mu.Lock()
	p.seen[r.Host]++
	p.mu.Unlock()
	there, err := net.Dial("tcp", p.to[r.Host])
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	w.WriteHeader(http.StatusOK)
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(there, here)
		_ = there.(*net.TCPConn).CloseWrite()
		close(done)
	}()
	_, _ = io.Copy(here, there)
	_ = here.(*net.TCPConn).CloseWrite()
	<-done
}

// overTLS puts a certificate for *.example.com before a registry.
func overTLS(t *testing.T, registry string) (host string, ca []byte) {
	t.Helper()
	srv := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
}

// chartRepository serves two charts that ask for the images.
func chartRepository(t *testing.T, dir string, im content) string {
	t.Helper()
	var index bytes.Buffer
	index.WriteString("apiVersion: v1\nentries:\n")
	for _, c := range [][2]string{{"aistor-operator", "5.10.0"}, {"aistor-objectstore", "1.0.16"}} {
		data, err := os.ReadFile(writeChart(t, dir, c[0], c[1], im))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&index, "  %s:\n  - apiVersion: v2\n    name: %s\n    version: %s\n    digest: %x\n    urls: [%s-%s.tgz]\n",
			c[0], c[0], c[1], sha256.Sum256(data), c[0], c[1])
	}
	if err := os.WriteFile(filepath.Join(dir, "index.yaml"), index.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewTLSServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}
