package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// checkout is the repository, from this package's directory.
const checkout = "../.."

// programs is the directory of the built programs; AISTOR_BIN names another one.
func programs() string {
	if dir := os.Getenv("AISTOR_BIN"); dir != "" {
		return dir
	}
	return checkout + "/bin"
}

// version is that of the mirror, and what a stub of the plugins says.
const version = "0.7.1"

// tools gives the directory of kubectl, krew, helm3 and helm4.
var tools = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv(inside); dir != "" {
		return dir, nil
	}
	var said bytes.Buffer
	cmd := exec.Command(programs()+"/lab", "tools", "kubebox", "helm3", "helm4", "krew")
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("building tools: %w\n%s", err, said.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
})

// dist gives the program that makes mirrors.
var dist = sync.OnceValues(func() (string, error) {
	if name := os.Getenv(insideDist); name != "" {
		return name, nil
	}
	name := filepath.Join(scratch, "dist")
	cmd := exec.Command("go", "build", "-o", name, ".")
	cmd.Dir = checkout + "/tools/dist"
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building dist: %w\n%s", err, text)
	}
	return name, nil
})

// shared is the mirror of the real programs: packing them takes a while, and
// nobody changes it.
var shared = sync.OnceValues(func() (mirror, error) {
	m := newMirror(filepath.Join(scratch, "mirror"), "application/gzip")
	return m, m.publish(context.Background(), version, programs(), "--sbom=true")
})

func published(t *testing.T) mirror {
	t.Helper()
	m, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// scratch is a directory for what all tests share.
var scratch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "install-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code, done := isolated()
	if err := enter(); err != nil && !done {
		fmt.Fprintln(os.Stderr, "switching loopback on:", err)
		code, done = 1, true
	}
	if !done {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// platform joins this machine's operating system and architecture as a name
// does.
func platform(between string) string { return runtime.GOOS + between + runtime.GOARCH }

// mirror is a directory with one web server.
type mirror struct {
	dir, url string
	server   *httptest.Server
}

// serve makes a mirror of the programs in a directory. The web server says what
// an archive is, as the page asks.
func serve(t *testing.T, from string) mirror {
	t.Helper()
	return serveAs(t, from, "application/gzip")
}

func serveAs(t *testing.T, from, archives string) mirror {
	t.Helper()
	m := newMirror(t.TempDir(), archives)
	t.Cleanup(m.server.Close)
	m.must(t, version, from)
	return m
}

func newMirror(dir, archives string) mirror {
	files := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".tgz") {
			w.Header().Set("Content-Type", archives)
		}
		files.ServeHTTP(w, r)
	}))
	return mirror{dir, server.URL + "/aistor", server}
}

// directory is what the web server serves under the mirror's address.
func (m mirror) folder() string { return filepath.Join(m.dir, "aistor") }

// must adds a version to the mirror.
func (m mirror) must(t *testing.T, version, from string) {
	t.Helper()
	if err := m.publish(t.Context(), version, from); err != nil {
		t.Fatal(err)
	}
}

func (m mirror) publish(ctx context.Context, version, from string, more ...string) error {
	program, err := dist()
	if err != nil {
		return err
	}
	args := append([]string{"mirror", "--source", checkout, "--version", version, "--platforms", platform("/"),
		"--programs", from, "--sbom=false", "--out", m.folder(), "--base-url", m.url}, more...)
	cmd := exec.CommandContext(ctx, program, args...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making the mirror: %w\n%s", err, text)
	}
	return nil
}

// stubs are small plugins that tell what reached them and exit as told.
func stubs(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	text := "#!/bin/sh\nif [ \"$1\" = version ]; then echo v" + version + "; exit; fi\n" +
		"env | grep -E '^(HELM_|KUBECONFIG)' | sort\necho \"arguments: $*\"\nexit ${STUB_EXIT:-0}\n"
	for _, name := range []string{"helm-aistor", "kubectl-aistor_upgrade"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// host is an administrator's account on a machine with kubectl, krew and one
// Helm, and without a route to anywhere but the mirror.
type host struct {
	home string
	env  []string
	dir  string
}

func newHost(t *testing.T, helm string, at string) *host {
	t.Helper()
	from, err := tools()
	if err != nil {
		t.Fatal(err)
	}
	h := &host{home: t.TempDir(), dir: at}
	bin := t.TempDir()
	for name, tool := range map[string]string{"helm": helm, "kubectl": "kubectl", "kubectl-krew": "krew"} {
		file, err := filepath.EvalSymlinks(filepath.Join(from, tool))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(file, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	path := []string{bin, h.home + "/.krew/bin", h.home + "/.local/bin", "/usr/local/bin", "/usr/bin", "/bin"}
	h.env = []string{
		"HOME=" + h.home, "PATH=" + strings.Join(path, ":"), "TMPDIR=" + t.TempDir(),
		// Whoever asks for another address is refused at once.
		"HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1", "http_proxy=http://127.0.0.1:1",
		"NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1",
	}
	return h
}

// run runs a script in one shell and gives all it says and its exit code.
func (h *host) run(t *testing.T, script string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", script)
	cmd.Dir, cmd.Env = h.dir, h.env
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// must runs a script that has to succeed.
func (h *host) must(t *testing.T, script string) string {
	t.Helper()
	out, code := h.run(t, script)
	if code != 0 {
		t.Fatalf("exit %d of:\n%s\n%s", code, script, out)
	}
	return out
}

// left are the files and directories of the account that tell of the plugins.
func (h *host) left(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(h.home, func(path string, _ os.DirEntry, err error) error {
		if strings.Contains(filepath.Base(path), "aistor") {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
