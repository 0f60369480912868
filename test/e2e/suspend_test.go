package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A run may be stopped by its machine or cut off from the API server for longer
// than its lease lasts. Another one takes over meanwhile, and may itself be held
// up. When a held-up run is back it writes nothing: it ends with exit code 5 and
// says who took over, and everything is as the last run left it, journals
// included. The rollback then still leads to where all of them started.
func TestRunsThatAreHeldUpLeaveTheirSuccessorsWorkAlone(t *testing.T) {
	t.Parallel()
	writesRelease := func(name string) func(*http.Request) bool {
		return func(r *http.Request) bool {
			return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/secrets") && strings.Contains(r.URL.Path, "/namespaces/"+name+"/")
		}
	}
	holdUpInTurn(t, []holdUp{
		{"SIGSTOP", "as Helm begins with the operator", writesRelease("aistor")},
		{"a partition", "as Helm begins with the first store", writesRelease("team-a")},
		{"SIGSTOP", "as Helm begins with the second store", writesRelease("team-b")},
		{"a partition", "at any request", atRequest(seedOf(), 60)},
	})
}

// The same at 12 points with each kind, by the number of the request.
// AISTOR_SEED repeats one.
func TestLongRunsThatAreHeldUpAtAnyRequest(t *testing.T) {
	t.Parallel()
	if os.Getenv("AISTOR_LONG") == "" {
		t.Skip("takes some minutes: only with AISTOR_LONG=1, as make test-long sets it")
	}
	seed := seedOf()
	for _, kind := range []string{"SIGSTOP", "a partition"} {
		for round := range uint64(4) {
			t.Run(fmt.Sprintf("%s/AISTOR_SEED=%d/%d", kind, seed, round), func(t *testing.T) {
				t.Parallel()
				var list []holdUp
				for i, most := range []int{450, 300, 150} {
					list = append(list, holdUp{kind, "at any request", atRequest(seed+10*round+uint64(i), most)})
				}
				holdUpInTurn(t, list)
			})
		}
	}
}

// seedOf is AISTOR_SEED, else a new one in long tests and always the same in
// others.
func seedOf() uint64 {
	seed, err := strconv.ParseUint(os.Getenv("AISTOR_SEED"), 10, 64)
	if err != nil && os.Getenv("AISTOR_LONG") != "" {
		seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	return seed
}

// atRequest is true for one request of the first most.
func atRequest(seed uint64, most int) func(*http.Request) bool {
	k := 1 + rand.New(rand.NewPCG(seed, 1)).IntN(most)
	n := 0
	return func(*http.Request) bool { n++; return n == k }
}

// holdUp is how and where a run is held up, counted from when it has its lease.
type holdUp struct {
	kind, where string
	at          func(*http.Request) bool
}

// heldUp is a run that is held up.
type heldUp struct {
	holdUp
	cmd   *exec.Cmd
	proxy *apiProxy
	out   *bytes.Buffer
	ended chan error
}

// leaseNamespaces are those whose Lease a run holds: the operator's and those of
// all stores.
var leaseNamespaces = []string{"aistor", "team-a", "team-b"}

// leaseTerm is short enough to wait for and long enough for a busy machine.
const leaseTerm = "8s"

// holdUpInTurn holds run after run up, each of which takes over from the one
// before, lets one more complete the upgrade, and then lets the others continue.
func holdUpInTurn(t *testing.T, list []holdUp) {
	t.Helper()
	s := newSite(t, "AISTOR_UPGRADE_TEST_LEASE_TERM="+leaseTerm)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.6.4", "--store", "1.0.13", "team-a/primary=4", "team-b/logs=3")
	s.bundle("a.bundle", "5.10.0", "5.10.0", "1.0.16")
	before := s.owned()
	var held []*heldUp
	for _, h := range list {
		if r := s.holdUp(h); r != nil {
			held = append(held, r)
		}
	}
	last := s.upgrade()
	last.Stdin = s.password()
	if b, err := last.CombinedOutput(); err != nil {
		t.Fatalf("the last run: %v\n%s", err, b)
	}
	s.wantUpgraded()
	done := s.everything()
	for _, r := range held {
		s.wantNothingWritten(r)
		if now := s.everything(); now != done {
			t.Errorf("%s %s: it wrote. Before it went on:\n%s\nafter:\n%s\nit said:\n%s", r.kind, r.where, done, now, r.out)
		}
	}
	t.Logf("%d runs were held up", len(held))
	s.wantWayBack(before)
}

func (s *site) upgrade() *exec.Cmd {
	return s.command("helm-aistor", "upgrade", "--yes", "--bundle", "a.bundle", "--ca", s.env["PRIVATE_CA"],
		"--registry-user", s.env["PRIVATE_USER"], "--password-stdin")
}

// holdUp starts an upgrade and returns when it is held up, nil if it ended
// before.
func (s *site) holdUp(h holdUp) *heldUp {
	s.t.Helper()
	r := &heldUp{holdUp: h, cmd: s.upgrade(), out: &bytes.Buffer{}, ended: make(chan error, 1)}
	leased, hit := map[string]bool{}, make(chan struct{})
	r.proxy = s.proxy(func(q *http.Request) {
		if rest, isLease := strings.CutPrefix(q.URL.Path, "/apis/coordination.k8s.io/v1/namespaces/"); isLease && q.Method != http.MethodGet {
			if namespace, _, _ := strings.Cut(rest, "/"); !leased[namespace] {
				leased[namespace] = true // what comes next finds it taken
				return
			}
		}
		if len(leased) < len(leaseNamespaces) || isClosed(hit) || !h.at(q) {
			return
		}
		close(hit)
		if h.kind == "SIGSTOP" {
			_ = r.cmd.Process.Signal(syscall.SIGSTOP)
		} else {
			close(r.proxy.cut)
		}
	})
	s.t.Cleanup(r.proxy.close)
	r.cmd.Env = append(slices.Clip(r.cmd.Env), "KUBECONFIG="+r.proxy.config)
	r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr = s.password(), r.out, r.out
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { r.ended <- r.cmd.Wait() }()
	s.t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	select {
	case <-hit:
		return r
	case err := <-r.ended:
		if err != nil {
			s.t.Fatalf("%s %s: it ended before: %v\n%s", h.kind, h.where, err, r.out)
		}
		return nil
	}
}

// wantNothingWritten lets a run continue and demands that it ends as one that has
// lost its lease.
func (s *site) wantNothingWritten(r *heldUp) {
	s.t.Helper()
	if r.kind != "SIGSTOP" && r.gaveUp() {
		return
	}
	if r.kind == "SIGSTOP" {
		_ = r.cmd.Process.Signal(syscall.SIGCONT)
	} else {
		close(r.proxy.healed)
		r.proxy.server.CloseClientConnections()
	}
	var exit *exec.ExitError
	select {
	case err := <-r.ended:
		if !errors.As(err, &exit) || exit.ExitCode() != 5 {
			s.t.Errorf("%s %s: it ended with %v\n%s", r.kind, r.where, err, r.out)
			return
		}
	case <-time.After(5 * time.Minute):
		s.t.Errorf("%s %s: it does not end:\n%s", r.kind, r.where, r.out)
		return
	}
	for _, want := range []string{
		`/aistor-upgrade" was lost`, "received: not held; released by ", "hint: kubectl aistor-upgrade status ", " -n aistor",
	} {
		if !strings.Contains(r.out.String(), want) {
			s.t.Errorf("%s %s: it does not say %q:\n%s", r.kind, r.where, want, r.out)
		}
	}
}

// gaveUp reports whether a run that is cut off ended by itself, before it had
// changed anything: who took its lease over it cannot know.
func (r *heldUp) gaveUp() bool {
	select {
	case err := <-r.ended:
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 1 && strings.Contains(r.out.String(), "nothing was changed\n") {
			return true
		}
		r.ended <- err
	default:
	}
	return false
}

// wantUpgraded demands what an upgrade leaves that nothing held up.
func (s *site) wantUpgraded() {
	s.t.Helper()
	s.wantDeployed("aistor", "aistor", "aistor-operator-5.10.0")
	s.wantDeployed("team-a", "primary", "aistor-objectstore-1.0.16")
	s.wantDeployed("team-b", "logs", "aistor-objectstore-1.0.16")
	for _, name := range []string{"aistor-adminjob", "aistor-object-store"} {
		if got := s.run("kubectl", "get", "clusterrolebinding", name, "-o", "jsonpath={.roleRef.name}"); got != name {
			s.t.Errorf("binding %s refers to %q", name, got)
		}
	}
	if got := s.state(); got != "done" {
		s.t.Errorf("status says %q", got)
	}
}

// state is what status says of the newest upgrade.
func (s *site) state() string {
	s.t.Helper()
	var status struct {
		Upgrade struct {
			State string `json:"state"`
		} `json:"lastUpgrade"`
	}
	if err := json.Unmarshal([]byte(s.run("kubectl-aistor_upgrade", "status", "-o", "json")), &status); err != nil {
		s.t.Fatal(err)
	}
	return status.Upgrade.State
}

// everything is what a run may write: each object with its version, except for
// what controllers continue writing.
func (s *site) everything() string {
	s.t.Helper()
	return s.run("kubectl", "get", "-A", "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`,
		"-l", "app.kubernetes.io/managed-by in (aistor-upgrade, Helm)", "configmaps,secrets,leases.coordination.k8s.io,clusterroles,clusterrolebindings,serviceaccounts,services") +
		s.run("kubectl", "get", "secrets", "-A", "-l", "owner=helm", "-o", `jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`) +
		s.run("kubectl", "get", "objectstores.aistor.min.io,deployments", "-A", "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.generation}{"\n"}{end}`)
}

// wantWayBack demands that a rollback leads to where the first run started.
func (s *site) wantWayBack(before string) {
	s.t.Helper()
	s.withPassword("helm-aistor", "rollback", "--yes", "--accept-risk", "team-a/primary", "--accept-risk", "team-b/logs",
		"--ca", s.env["PRIVATE_CA"], "--registry-user", s.env["PRIVATE_USER"], "--password-stdin")
	s.wantDeployed("aistor", "aistor", "aistor-operator-5.6.4")
	s.wantDeployed("team-a", "primary", "aistor-objectstore-1.0.13")
	s.wantDeployed("team-b", "logs", "aistor-objectstore-1.0.13")
	if after := s.owned(); after != before {
		s.t.Errorf("what the release owns after going back:\n%s\nbefore the upgrade:\n%s", after, before)
	}
}
