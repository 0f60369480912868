package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are where everything lies that runs here.
type programs struct {
	bin     string // the repository's own
	lib     string // the tests' scripts
	kubectl string // built alone
}

// lab is a running cluster with the operator's stand-in. It ends with this
// process, however that ends.
type lab struct {
	programs
	dir     string
	env     map[string]string
	hold    io.Closer
	cmd     *exec.Cmd
	standin *exec.Cmd
	proxy   *proxy
}

func startLab(ctx context.Context, p programs, dir string, nodes int, standin ...string) (*lab, error) {
	l := &lab{programs: p, dir: dir}
	l.cmd = exec.Command(filepath.Join(p.bin, "lab"), "run", "--state", filepath.Join(dir, ".lab"), "--nodes", fmt.Sprint(nodes), "--", "sh", "-c", "echo up; cat >/dev/null")
	hold, err := l.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	l.hold = hold
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.cmd.Stderr = os.Stderr
	if err := l.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		l.stop()
		return nil, fmt.Errorf("starting a cluster: %w", err)
	}
	if err := l.readEnv(); err != nil {
		l.stop()
		return nil, err
	}
	l.standin = exec.CommandContext(ctx, filepath.Join(p.bin, "standin"), "operator", "--outside")
	l.standin.Env = append(append(os.Environ(), l.vars()...), standin...)
	if err := l.standin.Start(); err != nil {
		l.stop()
		return nil, err
	}
	if l.proxy, err = startProxy(dir, l.env["LAB_APISERVER"], l.env["LAB_TOKEN"]); err != nil {
		l.stop()
		return nil, err
	}
	return l, nil
}

func (l *lab) readEnv() error {
	b, err := os.ReadFile(filepath.Join(l.dir, ".lab", "lab.json"))
	if err != nil {
		return err
	}
	var written struct {
		Env map[string]string `json:"env"`
	}
	err = json.Unmarshal(b, &written)
	l.env = written.Env
	return err
}

// vars is the environment in which programs find the cluster and each other.
func (l *lab) vars() []string {
	vars := []string{"PATH=" + strings.Join([]string{l.bin, l.env["LAB_BIN"], l.lib, os.Getenv("PATH")}, ":"), "HELM_PLUGINS=" + l.dir}
	for k, v := range l.env {
		vars = append(vars, k+"="+v)
	}
	return vars
}

func (l *lab) stop() {
	if l.proxy != nil {
		l.proxy.close()
	}
	if l.standin != nil && l.standin.Process != nil {
		_ = l.standin.Process.Kill()
		_ = l.standin.Wait()
	}
	_ = l.hold.Close()
	_ = l.cmd.Wait()
}

// command is one of the cluster's users. Programs are found on the cluster's
// path but for kubectl, which is the one built alone.
func (l *lab) command(name string, args ...string) command {
	file := name
	for _, dir := range []string{l.bin, l.lib, l.env["LAB_BIN"]} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			file = filepath.Join(dir, name)
			break
		}
	}
	if name == "kubectl" {
		file = l.kubectl
	}
	return command{args: append([]string{file}, args...), env: l.vars()}
}

func (l *lab) do(ctx context.Context, name string, args ...string) error {
	_, err := run(ctx, l.command(name, args...))
	return err
}

// plugin is a plugin with what it needs to know of the registry.
func (l *lab) plugin(name string, args ...string) command {
	c := l.command(name, append(args, "--ca", l.env["PRIVATE_CA"], "--registry-user", l.env["PRIVATE_USER"], "--password-stdin")...)
	c.stdin = l.env["PRIVATE_PASSWORD_FILE"]
	return c
}

// counted lets a command go through the proxy.
func (l *lab) counted(c command) command {
	c.env = append(c.env[:len(c.env):len(c.env)], "KUBECONFIG="+l.proxy.kubeconfig)
	return c
}
