package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestNodesPullForATest(t *testing.T) {
	t.Parallel()
	pullOnNodes(t, newSiteOn(t, []string{"--nodes", "2"}), "node-")
}

// containerd and kubelet themselves: what they say of a refusal, and that the
// pods' command proves the pull.
func TestARealNodePullsForATest(t *testing.T) {
	t.Parallel()
	if os.Getenv("AISTOR_TEST_REAL_NODE") == "" {
		t.Skip("starts containerd and a kubelet: only with AISTOR_TEST_REAL_NODE=1, as root on Debian")
	}
	pullOnNodes(t, newSiteOn(t, []string{"--nodes", "1", "--real-node"}), "real")
}

const someTestPod = "upgrade.aistor.dev/pull-test"

// pullOnNodes tries everything on one site; a store's pod has to be on a node
// whose name begins so.
func pullOnNodes(t *testing.T, s *site, on string) {
	t.Helper()
	values := s.write("values.yaml", "global: {operator: {replicas: 1}}\n")
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.6.4", "--store", "1.0.13", "--operator-values", values, "team-a/primary=2")
	s.run("kubectl", "label", "namespace", "team-a", "pod-security.kubernetes.io/enforce=restricted")
	secret := func(password string) {
		s.run("kubectl", "delete", "secret", "private-repo-pull-secret", "-n", "team-a")
		s.run("kubectl", "create", "secret", "docker-registry", "private-repo-pull-secret", "-n", "team-a",
			"--docker-server="+s.env["PRIVATE_REGISTRY"], "--docker-username="+s.env["PRIVATE_USER"], "--docker-password="+password)
	}
	right, err := os.ReadFile(s.env["PRIVATE_PASSWORD_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	home := ""
	for _, node := range strings.Fields(s.run("kubectl", "get", "pods", "-n", "team-a", "-o", "jsonpath={.items[*].spec.nodeName}")) {
		if strings.HasPrefix(node, on) {
			home = node
		}
	}
	if home == "" {
		t.Fatalf("no pod of the store is on %s", on)
	}

	// The subtests change one site in turn.
	t.Run("with the right secret", func(t *testing.T) {
		s.preflight(t, 0, "✓ pass pull-test: ", "--pull-test", "--registry-view", "nodes")
	})
	t.Run("with a wrong one", func(t *testing.T) {
		secret("wrong")
		s.preflight(t, 3, "401 from "+s.env["PRIVATE_REGISTRY"]+" with secret team-a/private-repo-pull-secret", "--pull-test")
		secret(strings.TrimSpace(string(right)))
	})
	t.Run("where a quota refuses pods", func(t *testing.T) {
		s.run("kubectl", "create", "quota", "full", "-n", "team-a", "--hard=pods=0")
		s.preflight(t, 3, "the test pod was rejected: pods", "--pull-test")
		s.run("kubectl", "delete", "quota", "full", "-n", "team-a")
	})
	s.run("kubectl", "taint", "node", home, "lab=closed:NoSchedule")
	t.Run("where no pod is tolerated", func(t *testing.T) {
		s.preflight(t, 3, "no AIStor pod can be scheduled there", "--pull-test")
	})
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run("ended by "+sig.String(), func(t *testing.T) {
			if code := s.stopPreflight(t, sig); code != 130 {
				t.Errorf("exit code %d, expected 130", code)
			}
			s.wantTestPods(t, false)
		})
	}
	t.Run("killed, and the next run tidies up", func(t *testing.T) {
		s.stopPreflight(t, syscall.SIGKILL)
		s.wantTestPods(t, true)
		s.run("kubectl", "taint", "node", home, "lab-")
		s.preflight(t, 0, "✓ pass pull-test: ", "--pull-test")
		s.wantTestPods(t, false)
	})
}

// preflight runs the pull test and demands an exit code and a text.
func (s *site) preflight(t *testing.T, code int, text string, flags ...string) {
	t.Helper()
	cmd := s.command("kubectl", append([]string{"aistor-upgrade", "preflight", "--ca", s.env["PRIVATE_CA"], "--only", "pull-test"}, flags...)...)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(unwrapped(out), text) {
		t.Errorf("exit code %d (%v), expected %d and %q:\n%s", got, err, code, text, out)
	}
}

// unwrapped undoes the folding of lines for a terminal.
func unwrapped(out []byte) string { return strings.Join(strings.Fields(string(out)), " ") }

// stopPreflight sends a signal as soon as a test's pod is there.
func (s *site) stopPreflight(t *testing.T, sig syscall.Signal) int {
	t.Helper()
	cmd := s.command("kubectl-aistor_upgrade", "preflight", "--ca", s.env["PRIVATE_CA"], "--only", "pull-test", "--pull-test")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watch := s.command("kubectl", "wait", "pods", "-n", "team-a", "-l", someTestPod, "--for=create", "--timeout=5m")
	if b, err := watch.CombinedOutput(); err != nil {
		t.Errorf("no pod came: %v\n%s%s", err, b, out.String())
	}
	_ = cmd.Process.Signal(sig)
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

func (s *site) wantTestPods(t *testing.T, want bool) {
	t.Helper()
	var names string
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		names = s.run("kubectl", "get", "pods", "-A", "-l", someTestPod, "-o", "name")
		if (names != "") == want || time.Now().After(end) {
			break
		}
	}
	if (names != "") != want {
		t.Errorf("pods of a test: %q, expected some: %t", names, want)
	}
}
