//go:build unix

package cli_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
)

const (
	// obeyed is the promise for an interruption where nothing is being changed,
	// and patience what a test allows on a machine that does other things too.
	obeyed         = 2 * time.Second
	intervalFactor = 30 * time.Second
)

// syncBuffer is a buffer that a process fills while a test reads it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// process is a running plugin.
type process struct {
	*exec.Cmd
	said syncBuffer
	done chan struct{}
}

// start runs a plugin as a process of its own.
func (s *site) start(plugin string, change func(*exec.Cmd), args ...string) *process {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(self, args...), done: make(chan struct{})}
	p.Env = []string{pluginVariable + "=" + plugin, "HOME=" + s.dir, "PATH=" + s.dir + ":" + os.Getenv("PATH")}
	for k, v := range s.env {
		p.Env = append(p.Env, k+"="+v)
	}
	p.Stdout, p.Stderr = &p.said, &p.said
	p.WaitDelay = 50 * time.Millisecond // children that it leaves may hold the pipes
	if change != nil {
		change(p.Cmd)
	}
	if err := p.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { defer close(p.done); _ = p.Wait() }()
	s.t.Cleanup(func() { _ = p.Process.Kill(); <-p.done })
	return p
}

// until waits for the process to have said something, or for what a test can
// see from outside.
func (p *process) until(t *testing.T, what string, there func() bool) {
	t.Helper()
	for end := time.Now().Add(intervalFactor); !there(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.done:
			t.Fatalf("it ended before %s:\n%s", what, p.said.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("no %s:\n%s", what, p.said.String())
		}
	}
}

// interrupt sends a signal and says how long the process took to end.
func (p *process) interrupt(t *testing.T, sig syscall.Signal) time.Duration {
	t.Helper()
	began := time.Now()
	if err := p.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(intervalFactor):
		t.Fatalf("%s was not obeyed:\n%s", sig, p.said.String())
	}
	took := time.Since(began)
	if code := p.ProcessState.ExitCode(); code != term.ExitInterrupted || !strings.Contains(p.said.String(), "interrupted") {
		t.Errorf("%s: exit %d after %s\n%s", sig, code, took, p.said.String())
	}
	return took
}

// silentServer takes connections and requests, and answers none. asked says
// whether anybody came.
func silentServer(t *testing.T) (host string, asked func() bool) {
	t.Helper()
	ended, came := make(chan struct{}), make(chan struct{}, 100)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		came <- struct{}{}
		<-ended
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(ended) })
	return strings.TrimPrefix(s.URL, "http://"), func() bool { return len(came) > 0 }
}

// deafListener takes connections and says nothing, not even in a handshake.
func deafListener(t *testing.T) (host string, asked func() bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var held []net.Conn
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			held = append(held, c)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range held {
			_ = c.Close()
		}
	})
	return l.Addr().String(), func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(held) > 0
	}
}

// loopingChart is one whose template takes longer than anybody waits.
func (s *site) loopingChart() string {
	dir := s.filePath("loop")
	for name, text := range map[string]string{
		"Chart.yaml":          "apiVersion: v2\nname: aistor-operator\nversion: 5.10.0\n",
		"values.yaml":         "a: b\n",
		"templates/loop.yaml": "{{ range until 10000 }}{{ range until 10000 }}{{ range until 10000 }}{{ end }}{{ end }}{{ end }}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			s.t.Fatal(err)
		}
		s.writeFile(filepath.Join("loop", name), text)
	}
	return dir
}

// script writes a program that says that it runs, and does not end.
func (s *site) script(name string) (started func() bool) {
	mark := s.filePath(name + ".started")
	s.writeFile(name, "#!/bin/sh\necho $$ > '"+mark+".new'\nmv '"+mark+".new' '"+mark+"'\nexec sleep 600\n")
	if err := os.Chmod(s.filePath(name), 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		text, _ := os.ReadFile(mark)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return func() bool { _, err := os.Stat(mark); return err == nil }
}

// kubeconfig writes one for an API server.
func (s *site) kubeconfig(server, user string) string {
	return s.writeFile("kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: me}}]
clusters: [{name: lab, cluster: {server: %q, insecure-skip-tls-verify: %t}}]
users: [{name: me, user: %s}]
`, server, strings.HasPrefix(server, "https"), user))
}

// block is one place in which a program waits for something that never comes.
type block struct {
	name, plugin string
	// args prepares the place and gives the arguments; there says that the
	// program has come to it, nil where only time tells.
	args func(s *site) (args []string, there func() bool)
	// in is what standard input is: nothing comes, and nobody closes it.
	in bool
}

func blocks() []block {
	fifo := func(s *site) string {
		name := s.filePath("fifo")
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			s.t.Fatal(err)
		}
		return name
	}
	return []block{
		{"the password of a key", "helm", func(s *site) ([]string, func() bool) {
			return []string{"bundle", "sign", s.writeFile("b", ""), "--key", s.writeFile("key", "x"), "--password-stdin"}, nil
		}, true},
		{"values from standard input", "helm", func(s *site) ([]string, func() bool) {
			return []string{"values", "--chart", s.filePath("aistor-operator-5.10.0.tgz"), "-f", "-"}, nil
		}, true},
		{"a values file that is a pipe", "helm", func(s *site) ([]string, func() bool) {
			return []string{"values", "--chart", s.filePath("aistor-operator-5.10.0.tgz"), "-f", fifo(s)}, nil
		}, false},
		{"a site file that is a pipe", "helm", func(s *site) ([]string, func() bool) {
			return []string{"bundle", "create", s.filePath("b"), "--for", fifo(s)}, nil
		}, false},
		{"a template that loops", "helm", func(s *site) ([]string, func() bool) {
			return []string{"bundle", "create", s.filePath("b"), "--chart", s.loopingChart(), "--from", "5.10.0"}, nil
		}, false},
		{"a registry that does not answer", "helm", func(s *site) ([]string, func() bool) {
			host, asked := silentServer(s.t)
			return []string{"bundle", "create", s.filePath("b"), "--chart", "oci://" + host + "/charts/x:1.0.0", "--registry-plain-http", host}, asked
		}, false},
		{"a registry without a handshake", "helm", func(s *site) ([]string, func() bool) {
			host, asked := deafListener(s.t)
			return []string{"bundle", "create", s.filePath("b"), "--chart", "oci://" + host + "/charts/x:1.0.0"}, asked
		}, false},
		{"a proxy that does not answer", "helm", func(s *site) ([]string, func() bool) {
			host, asked := deafListener(s.t)
			s.env["HTTPS_PROXY"] = "http://" + host
			return []string{"bundle", "create", s.filePath("b"), "--chart", "oci://registry.example.com/charts/x:1.0.0"}, asked
		}, false},
		{"a chart repository that does not answer", "helm", func(s *site) ([]string, func() bool) {
			host, asked := silentServer(s.t)
			return []string{"bundle", "create", s.filePath("b"), "--repo", "http://" + host, "--registry-plain-http", host}, asked
		}, false},
		{"a credential helper", "helm", func(s *site) ([]string, func() bool) {
			asked := s.script("docker-credential-slow")
			config := s.writeFile("config.json", fmt.Sprintf(`{"credHelpers":{%q:"slow"}}`, s.private.Host))
			return []string{"bundle", "create", s.filePath("b"), "--chart", "oci://" + s.private.Host + "/charts/x:1.0.0", "--registry-plain-http", s.private.Host, "--registry-config", config}, asked
		}, false},
		{"a credential plugin of the kubeconfig", "kubectl", func(s *site) ([]string, func() bool) {
			asked := s.script("slow-login")
			host, _ := deafListener(s.t)
			return []string{"status", "--kubeconfig", s.kubeconfig("https://"+host, "{exec: {apiVersion: client.authentication.k8s.io/v1, command: "+s.filePath("slow-login")+", interactiveMode: Never}}")}, asked
		}, false},
		{"an API server that does not answer", "kubectl", func(s *site) ([]string, func() bool) {
			host, asked := silentServer(s.t)
			return []string{"status", "--kubeconfig", s.kubeconfig("http://"+host, "{}")}, asked
		}, false},
	}
}

// The first interruption ends the program wherever it changes nothing.
func TestTheFirstSignalIsObeyed(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var all []time.Duration
	t.Cleanup(func() {
		slices.Sort(all)
		if len(all) > 0 {
			t.Logf("from signal to end: median %s, longest %s, promised %s", all[len(all)/2], all[len(all)-1], obeyed)
		}
	})
	signals := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}
	for i, b := range blocks() {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			args, there := b.args(s)
			p := s.start(b.plugin, func(c *exec.Cmd) {
				if b.in {
					r, w, err := os.Pipe()
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
					c.Stdin = r
				}
			}, args...)
			if there == nil {
				time.Sleep(5 * time.Second) // it has begun by then, also on a busy machine
				there = func() bool { return true }
			}
			p.until(t, "wait for "+b.name, there)
			took := p.interrupt(t, signals[i%len(signals)])
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took)
		})
	}
}

// Whoever starts the program with nohup wants it to outlive the terminal.
func TestAnIgnoredHangupStaysIgnored(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	host, asked := silentServer(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := s.start("kubectl", func(c *exec.Cmd) {
		c.Path = "/bin/sh"
		c.Args = append([]string{"sh", "-c", `trap "" HUP; exec "$0" "$@"`, self}, c.Args[1:]...)
	}, "status", "--kubeconfig", s.kubeconfig("http://"+host, "{}"))
	p.until(t, "question", asked)
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.done:
		t.Fatalf("it ended:\n%s", p.said.String())
	case <-time.After(time.Second):
	}
	p.interrupt(t, syscall.SIGTERM)
}
