package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// site is a cluster with its programs, for tests that are no scripts.
type site struct {
	t      *testing.T
	dir    string
	env    map[string]string
	vars   []string
	path   []string
	charts string
	// standin plays the operator.
	standin *exec.Cmd
}

// newSite starts a cluster; vars are added to the environment of its programs.
func newSite(t *testing.T, vars ...string) *site {
	t.Helper()
	return newSiteOn(t, nil, vars...)
}

// newSiteOn is newSite with flags for the cluster.
func newSiteOn(t *testing.T, flags []string, vars ...string) *site {
	t.Helper()
	s := newBareSite(t, flags, vars...)
	s.standin = s.command("standin", "operator", "--outside")
	if err := s.standin.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.standin.Process.Kill()
		_ = s.standin.Wait()
	})
	return s
}

// newBareSite is a cluster where nobody plays the operator beside it.
func newBareSite(t *testing.T, flags []string, vars ...string) *site {
	t.Helper()
	programs, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	lib, err := filepath.Abs("../lib")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	l, err := startLab(filepath.Join(programs, "lab"), filepath.Join(dir, ".lab"), flags...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.stop)
	s := &site{t: t, dir: dir, env: l.env, charts: filepath.Join(programs, "charts")}
	s.path = append([]string{programs, l.env["LAB_BIN"], lib}, filepath.SplitList(os.Getenv("PATH"))...)
	env, err := withCaches(os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	// A home of its own: logins in one that is shared are lost where two write
	// them at once.
	s.vars = append(append(env, vars...), "HOME="+t.TempDir(), "PATH="+strings.Join(s.path, string(os.PathListSeparator)))
	for k, v := range l.env {
		s.vars = append(s.vars, k+"="+v)
	}
	return s
}

// command looks a program up on the site's own path.
func (s *site) command(name string, args ...string) *exec.Cmd {
	program := name
	for _, dir := range s.path {
		if file := filepath.Join(dir, name); exists(file) {
			program = file
			break
		}
	}
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = s.dir, s.vars
	return cmd
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func (s *site) run(name string, args ...string) string {
	s.t.Helper()
	var out, errs bytes.Buffer
	cmd := s.command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

// bundle makes one on the connected side: it fills the upstream registry with the
// images of this operator chart, as fixtures says besides, and carries both charts.
func (s *site) bundle(file, from, operator, store string, fixtures ...string) {
	s.t.Helper()
	upstream := s.env["UPSTREAM_REGISTRY"]
	s.run("aistor-fixtures", append([]string{"push", "--registry", upstream, "--plain-http", "--only", operator}, fixtures...)...)
	s.run("helm-aistor", "bundle", "create", file, "--from", from, "--platform", "linux/amd64",
		"--chart", s.charts+"/aistor-operator-"+operator+".tgz", "--chart", s.charts+"/aistor-objectstore-"+store+".tgz",
		"--mirror", "quay.io="+upstream+"/quay.io", "--registry-plain-http", upstream)
}

// password is the private registry's, for a program's standard input.
func (s *site) password() *os.File {
	s.t.Helper()
	f, err := os.Open(s.env["PRIVATE_PASSWORD_FILE"])
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = f.Close() })
	return f
}

// wantDeployed demands exactly one deployed revision, with this chart.
func (s *site) wantDeployed(namespace, release, chart string) {
	s.t.Helper()
	var history []struct {
		Status string `json:"status"`
		Chart  string `json:"chart"`
	}
	if err := json.Unmarshal([]byte(s.run("helm", "history", release, "-n", namespace, "-o", "json")), &history); err != nil {
		s.t.Fatal(err)
	}
	var deployed []string
	for _, r := range history {
		if r.Status == "deployed" {
			deployed = append(deployed, r.Chart)
		}
	}
	if len(deployed) != 1 || deployed[0] != chart {
		s.t.Errorf("release %s/%s: deployed %v, want exactly %s", namespace, release, deployed, chart)
	}
}

// write makes a file of the site and returns its path.
func (s *site) write(name, text string) string {
	s.t.Helper()
	file := filepath.Join(s.dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}
