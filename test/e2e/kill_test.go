package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// An upgrade that is killed at any request is completed by the same command,
// and leaves what an uninterrupted one leaves. AISTOR_KILLS says how many
// seeds are tried, by default one; AISTOR_SEED repeats one.
func TestKilledUpgradeIsCompletedByTheSameCommand(t *testing.T) {
	t.Parallel()
	seed, err := strconv.ParseUint(os.Getenv("AISTOR_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	n, err := strconv.Atoi(os.Getenv("AISTOR_KILLS"))
	if err != nil {
		n = 1
	}
	for i := range uint64(n) {
		t.Run(fmt.Sprintf("AISTOR_SEED=%d", seed+i), func(t *testing.T) { killOnce(t, seed+i) })
	}
}

func killOnce(t *testing.T, seed uint64) {
	k := int64(1 + rand.New(rand.NewPCG(seed, 0)).IntN(200))
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.6.4", "--store", "1.0.13", "team-a/primary=4")
	upstream := s.env["UPSTREAM_REGISTRY"]
	s.run("aistor-fixtures", "push", "--registry", upstream, "--plain-http", "--only", "5.10.0")
	s.run("helm-aistor", "bundle", "create", "a.bundle", "--from", "5.10.0", "--platform", "linux/amd64",
		"--chart", s.charts+"/aistor-operator-5.10.0.tgz", "--chart", s.charts+"/aistor-objectstore-1.0.16.tgz",
		"--mirror", "quay.io="+upstream+"/quay.io", "--registry-plain-http", upstream)

	args := []string{"upgrade", "--yes", "--bundle", "a.bundle", "--ca", s.env["PRIVATE_CA"],
		"--registry-user", s.env["PRIVATE_USER"], "--password-stdin"}
	t.Logf("killing at request %d:\n%s", k, tail(s.killedAt(s.command("helm-aistor", args...), k), 12))

	again := s.command("helm-aistor", args...)
	again.Stdin = s.password()
	if b, err := again.CombinedOutput(); err != nil {
		t.Fatalf("the same command again: %v\n%s", err, b)
	}
	s.wantDeployed("aistor", "aistor", "aistor-operator-5.10.0")
	s.wantDeployed("team-a", "primary", "aistor-objectstore-1.0.16")
	for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
		if got := s.run("kubectl", "get", "clusterrolebinding", name, "-o", "jsonpath={.roleRef.name}"); got != name {
			t.Errorf("binding %s refers to %q", name, got)
		}
	}
	if got := s.run("helm", "get", "values", "primary", "-n", "team-a"); !strings.Contains(got, "planted-access-key") {
		t.Errorf("values were lost:\n%s", got)
	}
}

// killedAt runs cmd against the API server through a proxy and kills it, as the
// kernel would, when it sends its k-th request. The request still arrives, as
// one does that was under way.
func (s *site) killedAt(cmd *exec.Cmd, k int64) string {
	s.t.Helper()
	target, err := url.Parse(s.env["LAB_APISERVER"])
	if err != nil {
		s.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1 // watches
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {}
	var n atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == k {
			_ = cmd.Process.Kill()
		}
		proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	defer server.CloseClientConnections()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	config := filepath.Join(s.dir, "proxied.kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: lab\ncontexts: [{name: lab, context: {cluster: lab, user: lab}}]\n"+
		"clusters: [{name: lab, cluster: {server: %q, certificate-authority-data: %s}}]\nusers: [{name: lab, user: {token: %q}}]\n",
		server.URL, base64.StdEncoding.EncodeToString(authority), s.env["LAB_TOKEN"])
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	var out bytes.Buffer
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "KUBECONFIG="+config)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.password(), &out, &out
	err = cmd.Run()
	if killed := n.Load() >= k; (err == nil) == killed {
		s.t.Fatalf("%d requests, to be killed at %d: %v\n%s", n.Load(), k, err, out.String())
	}
	return out.String()
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
