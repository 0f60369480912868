package e2e

import (
	"bufio"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// The program behind a pipe may end first, by itself or by the same Ctrl-C: what
// is under way is finished all the same, and the same command continues.
func TestAClosedPipeInterruptsInOrder(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.run("install-aistor", "--charts", s.charts, "--operator", "5.8.0", "--store", "1.0.13", "team-a/primary=2")
	s.withPassword("crane", "auth", "login", s.env["PRIVATE_REGISTRY"], "--insecure", "-u", s.env["PRIVATE_USER"], "--password-stdin")
	newer := s.env["PRIVATE_REGISTRY"] + "/aistor/minio:RELEASE.2026-07-01T00-00-00Z"
	s.run("crane", "mutate", "--insecure", strings.Replace(newer, "07-01T00-00-00Z", "06-06T02-44-06Z", 1), "-l", "newer=yes", "-t", newer)
	args := []string{"upgrade", "--yes", "--image-only", "RELEASE.2026-07-01T00-00-00Z", "--ca", s.env["PRIVATE_CA"], "--registry-user", s.env["PRIVATE_USER"], "--password-stdin"}

	cmd := s.command("helm-aistor", args...)
	cmd.Stdin = s.password()
	said := &strings.Builder{}
	cmd.Stderr = said
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		if strings.Contains(lines.Text(), "→ store-team-a-primary") {
			break
		}
	}
	if err := pipe.Close(); err != nil {
		t.Fatal(err)
	}
	exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
	if !ok || exit.ExitCode() != 130 {
		t.Errorf("ended with %v, expected exit code 130:\n%s", exit, said)
	}
	if found := s.run("helm", "list", "-A", "--pending", "-q"); strings.TrimSpace(found) != "" {
		t.Errorf("pending: %s", found)
	}
	if again := s.withPassword("helm-aistor", args...); !strings.Contains(again, "the installation is valid") {
		t.Errorf("again:\n%s", again)
	}
}
