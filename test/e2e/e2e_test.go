package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// bin is the directory of the built programs, relative to this package.
const bin = "../../bin"

func TestScripts(t *testing.T) {
	t.Parallel()
	run(t, "testdata")
}

// What takes long and breaks seldom: AISTOR_LONG asks for it.
func TestLongScripts(t *testing.T) {
	t.Parallel()
	if os.Getenv("AISTOR_LONG") == "" {
		t.Skip("takes some minutes: only with AISTOR_LONG=1, as make test-long sets it")
	}
	run(t, filepath.Join("testdata", "long"))
}

// The published charts cannot be part of this repository; AISTOR_CHARTS names a
// directory of them.
func TestPublishedCharts(t *testing.T) {
	t.Parallel()
	if os.Getenv("AISTOR_CHARTS") == "" {
		t.Skip("AISTOR_CHARTS names no folder of published charts")
	}
	run(t, filepath.Join("testdata", "published"))
}

func run(t *testing.T, dir string) {
	t.Helper()
	programs, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup:               func(e *testscript.Env) error { return setup(e, programs) },
		Condition: func(name string) (bool, error) {
			if name != "root" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			return os.Geteuid() == 0, nil
		},
	})
}

// setup starts a cluster for one script and puts the programs on its PATH, the
// plugins as an administrator would have installed them.
func setup(e *testscript.Env, programs string) error {
	lab, err := startLab(filepath.Join(programs, "lab"), filepath.Join(e.WorkDir, ".lab"))
	if err != nil {
		return err
	}
	e.Defer(lab.stop)
	for k, v := range lab.env {
		e.Setenv(k, v)
	}
	plugins := filepath.Join(e.WorkDir, ".plugins")
	if err := installPlugin(plugins, programs); err != nil {
		return err
	}
	lib, err := filepath.Abs("../lib")
	if err != nil {
		return err
	}
	e.Setenv("PATH", strings.Join([]string{programs, lab.env["LAB_BIN"], lib, os.Getenv("PATH")}, string(os.PathListSeparator)))
	e.Setenv("HOME", e.WorkDir)
	if e.Vars, err = withCaches(e.Vars); err != nil {
		return err
	}
	e.Setenv("HELM_PLUGINS", plugins)
	e.Setenv("CHARTS", filepath.Join(programs, "charts"))
	e.Setenv("AISTOR_CHARTS", os.Getenv("AISTOR_CHARTS"))
	e.Setenv("LAB_STATE", filepath.Join(e.WorkDir, ".lab"))
	return nil
}

// withCaches keeps the caches of builds and tools where they are although HOME
// is another one.
func withCaches(vars []string) ([]string, error) {
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			return nil, err
		}
		vars = append(vars, name+"="+strings.TrimSpace(string(out)))
	}
	cache := os.Getenv("AISTOR_TEST_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		cache = filepath.Join(user, "aistor-upgrade")
	}
	return append(vars, "AISTOR_TEST_CACHE="+cache), nil
}

// installPlugin lays the Helm plugin out as its archive does.
func installPlugin(plugins, programs string) error {
	dir := filepath.Join(plugins, "aistor")
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		return err
	}
	manifest, err := os.ReadFile("../../plugin.yaml")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "plugin.yaml"), manifest, 0o644); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(programs, "helm-aistor"), filepath.Join(dir, "bin", "helm-aistor"))
}

// lab is a running cluster. It ends with the process that started it, however
// that ends: it waits on a pipe that only this process holds open.
type lab struct {
	env  map[string]string
	hold io.WriteCloser
	cmd  *exec.Cmd
}

func startLab(program, state string, flags ...string) (*lab, error) {
	args := append([]string{"run", "--state", state}, flags...)
	cmd := exec.Command(program, append(args, "--", "sh", "-c", "echo up; cat >/dev/null")...)
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	log := &strings.Builder{}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	l := &lab{hold: hold, cmd: cmd}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		l.stop()
		return nil, fmt.Errorf("starting a cluster: %q %w\n%s", line, err, log)
	}
	b, err := os.ReadFile(filepath.Join(state, "lab.json"))
	if err != nil {
		l.stop()
		return nil, err
	}
	var written struct {
		Env map[string]string `json:"env"`
	}
	if err := json.Unmarshal(b, &written); err != nil {
		l.stop()
		return nil, err
	}
	l.env = written.Env
	return l, nil
}

// stop ends the cluster and waits until nothing of it runs.
func (l *lab) stop() {
	_ = l.hold.Close()
	done := make(chan struct{})
	go func() {
		_ = l.cmd.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		_ = l.cmd.Process.Kill()
	}
}
