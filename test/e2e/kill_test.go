package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An upgrade that is killed at any request is completed by the same command,
// and leaves what an uninterrupted one leaves. AISTOR_KILLS says how many
// seeds are tried, by default one; AISTOR_SEED repeats one. Long tests try new
// ones each time, all others the same.
func TestKilledUpgradeIsCompletedByTheSameCommand(t *testing.T) {
	t.Parallel()
	seed, err := strconv.ParseUint(os.Getenv("AISTOR_SEED"), 10, 64)
	if err != nil && os.Getenv("AISTOR_LONG") != "" {
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

// requests is how many the upgrade of [killThenComplete] sends at least, from
// its first look to its validation: some 570 were counted, and fewer where
// everything is quick.
const requests = 520

func killOnce(t *testing.T, seed uint64) {
	k := 1 + rand.New(rand.NewPCG(seed, 0)).IntN(requests)
	n := 0
	out, _ := killThenComplete(t, func(*http.Request) bool { n++; return n == k }, func(*site) {})
	t.Logf("killing at request %d:\n%s", k, tail(out, 12))
}

// Between the deletion of the bindings and the operator's upgrade that makes
// them again the operator has no rights: continuing is the only cure, so that
// nothing may stand in its way.
func TestKilledWhileMendingIsCompletedByTheSameCommand(t *testing.T) {
	t.Parallel()
	deletes := func(r *http.Request) bool {
		return r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/clusterrolebindings/")
	}
	releases := func(r *http.Request) bool {
		return (r.Method == http.MethodPost || r.Method == http.MethodPut) && strings.HasPrefix(r.URL.Path, "/api/v1/namespaces/aistor/secrets")
	}
	tests := []struct {
		name string
		at   func(r *http.Request, deleted int) bool
		// Without its second binding the operator cannot say how stores are.
		mute bool
	}{
		{"at the first deletion", func(_ *http.Request, deleted int) bool { return deleted == 1 }, false},
		{"at the second deletion", func(_ *http.Request, deleted int) bool { return deleted == 2 }, true},
		{"when Helm begins", func(r *http.Request, deleted int) bool { return deleted == 2 && releases(r) }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			deleted, hit := 0, false
			out, again := killThenComplete(t, func(r *http.Request) bool {
				if deletes(r) {
					deleted++
				}
				hit = tt.at(r, deleted)
				return hit
			}, func(s *site) { s.unwell("team-a", "primary") })
			if !hit {
				t.Errorf("it was not mending:\n%s", out)
			}
			// Nobody has to wait until a Helm of ours is taken for dead.
			if tt.name == "when Helm begins" && !strings.Contains(again, "mark-failed-aistor") {
				t.Errorf("no release was pending:\n%s", again)
			}
			if tt.mute && !strings.Contains(again, "left by the interrupted upgrade, which is resumed") {
				t.Errorf("nothing was left:\n%s", again)
			}
		})
	}
}

// Helm is done by then and nothing is left to write; but the stores' pods are
// still to be replaced, which the same command has to wait for.
func TestKilledWhileStoresRollIsCompletedByTheSameCommand(t *testing.T) {
	t.Parallel()
	written := false
	out, again := killThenComplete(t, func(r *http.Request) bool {
		// The new revision is created as pending, and becomes deployed with this.
		written = r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/secrets/sh.helm.release.v1.aistor.v2")
		return written
	}, func(*site) {})
	if !written {
		t.Errorf("the operator was not upgraded:\n%s", out)
	}
	// Whether the request that killed it arrived or not, the step waits for
	// what Helm set in motion before it counts as done.
	if !strings.Contains(again, "✓ operator-5.10.0") {
		t.Errorf("it did not wait for the operator and what it sets in motion:\n%s", again)
	}
}

// killThenComplete kills a whole upgrade at the first request for which at is
// true, and demands that the same command completes it, whatever left does to
// the site in between. It returns what both wrote.
func killThenComplete(t *testing.T, at func(*http.Request) bool, left func(*site)) (killed, completed string) {
	t.Helper()
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.6.4", "--store", "1.0.13", "team-a/primary=4")
	s.bundle("a.bundle", "5.10.0", "5.10.0", "1.0.16")

	args := []string{"upgrade", "--yes", "--bundle", "a.bundle", "--ca", s.env["PRIVATE_CA"],
		"--registry-user", s.env["PRIVATE_USER"], "--password-stdin"}
	killed = s.killedAt(s.command("helm-aistor", args...), at)
	left(s)

	again := s.command("helm-aistor", args...)
	again.Stdin = s.password()
	b, err := again.CombinedOutput()
	if err != nil {
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
	return killed, string(b)
}

// unwell lets a store report that it is in the middle of something. An operator
// without rights cannot correct it.
func (s *site) unwell(namespace, store string) {
	s.t.Helper()
	s.run("kubectl", "patch", "objectstores.aistor.min.io", store, "-n", namespace, "--subresource=status", "--type=merge",
		"-p", `{"status":{"healthStatus":"yellow"}}`)
}

// killedAt runs cmd against the API server through a proxy and kills it, as the
// kernel would, when it sends the first request for which at is true. That
// request still arrives, as one does that was under way. Requests are shown to
// at one at a time.
func (s *site) killedAt(cmd *exec.Cmd, at func(*http.Request) bool) string {
	s.t.Helper()
	killed := false
	p := s.proxy(func(r *http.Request) {
		if !killed && at(r) {
			killed = true
			_ = cmd.Process.Kill()
		}
	})
	defer p.close()
	var out bytes.Buffer
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "KUBECONFIG="+p.config)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.password(), &out, &out
	err := cmd.Run()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && !killed { // one that was killed with its last request may still end well
		s.t.Fatalf("killed: %t, error: %v\n%s", killed, err, out.String())
	}
	return out.String()
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
