package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What others do while an upgrade runs: another Helm is at work, somebody takes
// the lease away, and the API server is gone for a while. AISTOR_AWAY says for
// how long, by default a minute.
func TestWhatOthersDoMeanwhile(t *testing.T) {
	t.Parallel()
	if os.Getenv("AISTOR_LONG") == "" {
		t.Skip("takes some minutes: only with AISTOR_LONG=1, as make test-long sets it")
	}
	away, err := time.ParseDuration(os.Getenv("AISTOR_AWAY"))
	if err != nil {
		away = time.Minute
	}
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.6.4", "--store", "1.0.13", "team-a/primary=4", "team-b/logs=3")
	s.bundle("a.bundle", "5.6.4", "5.8.0", "1.0.16")
	d := newDoor(t, s)
	d.foreignHelm()
	d.lostLease()
	d.awayFor(away)
	s.wantDeployed("aistor", "aistor", "aistor-operator-5.8.0")
	s.wantDeployed("team-a", "primary", "aistor-objectstore-1.0.16")
	s.wantDeployed("team-b", "logs", "aistor-objectstore-1.0.16")
}

// upgrade is the command of this test.
func (d *door) upgrade() *exec.Cmd {
	cmd := d.through(d.command("helm-aistor", "upgrade", "--yes", "--bundle", "a.bundle", "--ca", d.env["PRIVATE_CA"],
		"--registry-user", d.env["PRIVATE_USER"], "--password-stdin"))
	cmd.Stdin = d.password()
	return cmd
}

// foreignHelm holds the last request of somebody's Helm: its revision is
// pending, and whoever made it is alive.
func (d *door) foreignHelm() {
	d.t.Helper()
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.watch(func(r *http.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/secrets/sh.helm.release.v1.logs.v2") {
			once.Do(func() { close(reached); <-release })
		}
	})
	var out bytes.Buffer
	helm := d.through(d.command("helm", "upgrade", "logs", d.charts+"/aistor-objectstore-1.0.13.tgz", "-n", "team-b", "--reset-then-reuse-values"))
	helm.Stdout, helm.Stderr = &out, &out
	if err := helm.Start(); err != nil {
		d.t.Fatal(err)
	}
	<-reached
	d.watch(nil)
	b, err := d.upgrade().CombinedOutput()
	if err == nil || !strings.Contains(string(b), "pending-upgrade") || !strings.Contains(string(b), "nothing was changed") && !strings.Contains(string(b), "see above") {
		d.t.Errorf("beside a Helm at work: %v\n%s", err, b)
	}
	if got := d.run("helm", "list", "-n", "aistor"); !strings.Contains(got, "aistor-operator-5.6.4") {
		d.t.Errorf("something was changed beside a Helm at work:\n%s\n%s", got, b)
	}
	close(release)
	if err := helm.Wait(); err != nil {
		d.t.Fatalf("the other Helm: %v\n%s", err, out.String())
	}
	d.wantDeployed("team-b", "logs", "aistor-objectstore-1.0.13")
}

// lostLease gives the lease to another client while the operator's step waits:
// no further step begins, and the same command continues.
func (d *door) lostLease() {
	d.t.Helper()
	var once sync.Once
	d.watch(func(r *http.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/secrets/sh.helm.release.v1.aistor.v2") {
			once.Do(func() { // Helm waits for this answer, and so cannot be done before
				cmd := d.command("kubectl", "patch", "lease", "aistor-upgrade", "-n", "aistor", "--type=merge", "-p", `{"spec":{"holderIdentity":"somebody else"}}`)
				if b, err := cmd.CombinedOutput(); err != nil {
					d.t.Errorf("taking the lease: %v\n%s", err, b)
				}
			})
		}
	})
	b, err := d.upgrade().CombinedOutput()
	d.watch(nil)
	if code := exitCode(err); code != 5 || !strings.Contains(string(b), "somebody else") && !strings.Contains(string(b), "lease") {
		d.t.Errorf("without the lease: exit %d\n%s", code, b)
	}
	d.wantDeployed("team-a", "primary", "aistor-objectstore-1.0.13")
	if got := d.run("kubectl", "get", "lease", "aistor-upgrade", "-n", "aistor", "-o", "jsonpath={.spec.holderIdentity}"); got != "somebody else" {
		d.t.Errorf("the lease is held by %q", got)
	}
	d.run("kubectl", "delete", "lease", "aistor-upgrade", "-n", "aistor")
}

// awayFor takes the API server away while a store's step waits for its pods.
func (d *door) awayFor(away time.Duration) {
	d.t.Helper()
	var once sync.Once
	closed := make(chan struct{})
	var begun atomic.Bool
	d.watch(func(r *http.Request) {
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/secrets/sh.helm.release.v1.primary.v2") {
			once.Do(func() {
				begun.Store(true)
				go func() {
					defer close(closed)
					time.Sleep(time.Second)
					d.shutFor(away)
				}()
			})
		}
	})
	b, err := d.upgrade().CombinedOutput()
	if err != nil {
		d.t.Errorf("with the API server away for %s: %v\n%s", away, err, b)
	}
	d.watch(nil)
	if !begun.Load() {
		d.t.Fatalf("the store was not upgraded:\n%s", b)
	}
	select {
	case <-closed:
	default:
		d.t.Errorf("it was over before the API server was back:\n%s", b)
		<-closed
	}
}

func exitCode(err error) int {
	if e, ok := err.(*exec.ExitError); ok {
		return e.ExitCode()
	}
	return 0
}

// door stands between a program and the API server: it can be watched, and
// shut.
type door struct {
	*site
	mu     sync.Mutex
	seen   func(*http.Request)
	server *httptest.Server
	config string
	shut   atomic.Bool
}

func newDoor(t *testing.T, s *site) *door {
	t.Helper()
	target, err := url.Parse(s.env["LAB_APISERVER"])
	if err != nil {
		t.Fatal(err)
	}
	d := &door{site: s}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {}
	d.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.shut.Load() {
			panic(http.ErrAbortHandler)
		}
		d.mu.Lock()
		seen := d.seen
		d.mu.Unlock()
		if seen != nil {
			seen(r)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { d.server.CloseClientConnections(); d.server.Close() })
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: d.server.Certificate().Raw})
	d.config = s.write("door.kubeconfig", fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: lab\ncontexts: [{name: lab, context: {cluster: lab, user: lab}}]\n"+
		"clusters: [{name: lab, cluster: {server: %q, certificate-authority-data: %s}}]\nusers: [{name: lab, user: {token: %q}}]\n",
		d.server.URL, base64.StdEncoding.EncodeToString(authority), s.env["LAB_TOKEN"]))
	return d
}

// through lets a program use the door.
func (d *door) through(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "KUBECONFIG="+d.config)
	return cmd
}

// watch shows each request to seen before it continues.
func (d *door) watch(seen func(*http.Request)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = seen
}

// shutFor lets no request through for a while, and cuts those there are. The
// port stays its own: one that was given up may be another's afterwards.
func (d *door) shutFor(away time.Duration) {
	d.shut.Store(true)
	for end := time.Now().Add(away); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		d.server.CloseClientConnections() // also of who just came
	}
	d.shut.Store(false)
}
