package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/test/cluster/internal/lab"
)

// However `lab run` ends, its cluster ends with it.
func TestRunLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts clusters: not with -short")
	}
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "lab")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("building lab: %v\n%s", err, out)
	}
	tests := map[string]struct {
		signal syscall.Signal
		script string
		code   int
	}{
		"the command fails": {0, `kubectl get nodes && touch "$1" && exit 7`, 7},
		"terminated":        {syscall.SIGTERM, `touch "$1"; exec sleep 1000`, 130},
		"killed":            {syscall.SIGKILL, `touch "$1"; exec sleep 1000`, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			state, running := filepath.Join(dir, "state"), filepath.Join(dir, "running")
			cmd := exec.Command(binary, "run", "--state", state, "--nodes", "1", "--", "sh", "-c", tt.script, "sh", running)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if tt.signal != 0 {
				awaitFile(t, running)
				if err := cmd.Process.Signal(tt.signal); err != nil {
					t.Fatal(err)
				}
			}
			_ = cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != tt.code {
				t.Errorf("exit code %d, want %d", got, tt.code)
			}
			awaitNothing(t, state)
		})
	}
}

func awaitFile(t *testing.T, path string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the command never began")
		}
	}
}

// awaitNothing looks for processes that name the directory.
func awaitNothing(t *testing.T, state string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		l, err := lab.Open(state)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := l.Status()
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, p := range parts {
			if p.Running {
				left = append(left, p.Part)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still running: %s", strings.Join(left, ", "))
		}
	}
}
