package tools

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// module makes a directory with one small program, as kubebox is.
func module(t *testing.T) (string, Tool) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kubebox/go.mod":    "module example.com/hello\n\ngo 1.26\n",
		"kubebox/go.sum":    "",
		"kubebox/main.go":   "package main\n\nvar version string\n\nfunc main() { print(version) }\n",
		"cmd/pause/main.go": "package main\n",
		"krew/main.go":      "package main\n",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	return dir, Tool{Name: "hello", Version: "v1", Source: "kubebox", LDFlags: "-X main.version=v1", Links: []string{"hi"}}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEnsureBuildsOnceUnderAllNames(t *testing.T) {
	t.Parallel()
	dir, tool := module(t)
	var log bytes.Buffer
	cache := Cache{Root: t.TempDir(), Module: dir, Log: &log}
	var bin string
	for range 2 {
		var err error
		if bin, err = cache.Ensure(t.Context(), []Tool{tool}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"hello", "hi"} {
		out, err := exec.Command(filepath.Join(bin, name)).CombinedOutput()
		if err != nil || string(out) != "v1" {
			t.Errorf("%s says %q, error %v", name, out, err)
		}
	}
	if got := strings.Count(log.String(), "building"); got != 1 {
		t.Errorf("built %d times:\n%s", got, &log)
	}
}

func TestEnsureBuildsAgainForAnotherSource(t *testing.T) {
	t.Parallel()
	dir, tool := module(t)
	cache := Cache{Root: t.TempDir(), Module: dir}
	one, err := cache.key(tool, "go1")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "kubebox", "main.go"), "package main\n\nfunc main() {}\n")
	two, err := cache.key(tool, "go1")
	if err != nil || one == two {
		t.Errorf("key %q, then %q, error %v", one, two, err)
	}
}

func TestEnsureLeavesNothingOfAFailedBuild(t *testing.T) {
	t.Parallel()
	dir, tool := module(t)
	write(t, filepath.Join(dir, "kubebox", "main.go"), "package main\n\nfunc main() { nonsense }\n")
	cache := Cache{Root: t.TempDir(), Module: dir}
	if _, err := cache.Ensure(t.Context(), []Tool{tool}); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("got %v, want the compiler's words", err)
	}
	left, err := filepath.Glob(filepath.Join(cache.Root, "tools", "*", "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left %v, error %v", left, err)
	}
}

func TestLockWaitsAndGivesUp(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.lock")
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := lock(ctx, path); err == nil {
		t.Fatal("two hold the lock")
	}
	unlock()
	again, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestSelectRefusesAnUnknownTool(t *testing.T) {
	t.Parallel()
	if _, err := Select("kind"); err == nil || !strings.Contains(err.Error(), "kubebox") {
		t.Errorf("got %v, want the known names", err)
	}
}

// The versions that stand outside versions.go.
func TestModulesOfToolsRequireThePinnedVersions(t *testing.T) {
	t.Parallel()
	for folder, require := range map[string]string{
		"kubebox": "k8s.io/kubernetes " + Kubernetes + "\n",
		"krew":    "sigs.k8s.io/krew " + Krew + "\n",
	} {
		data, err := os.ReadFile(filepath.Join("..", "..", folder, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), require) {
			t.Errorf("%s/go.mod does not require %s", folder, require)
		}
	}
}
