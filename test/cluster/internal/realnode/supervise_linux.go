package realnode

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// Namespaces are the clone flags with which a supervisor is to be started.
const Namespaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET

// privateDirs are directories with fixed names that the node's programs write to;
// the node gets empty ones of its own over them. Those that the machine lacks
// are made and never removed: removing a directory also takes away what another
// node's namespace has mounted there.
var privateDirs = [...]string{
	"/run", "/var/lib/kubelet", "/var/lib/cni", "/var/lib/kube-proxy", "/var/log/containers", "/etc/cni",
}

// Supervise is the first process of the node's namespaces: it sets them up,
// starts the node's programs and reaps what they leave. It returns when one of
// the programs ends, and everything ends with it.
func Supervise(ctx context.Context, c Config) error {
	if os.Getpid() != 1 {
		return errors.New("supervising a node: not the first process of its own namespaces")
	}
	if err := c.writeFiles(); err != nil {
		return fmt.Errorf("configuring the node: %w", err)
	}
	if err := mounts(); err != nil {
		return fmt.Errorf("mounting the node's folders: %w", err)
	}
	if err := c.inside(ctx); err != nil {
		return fmt.Errorf("configuring the node's network: %w", err)
	}
	parts := map[int]string{}
	for _, p := range c.programs() {
		if err := p.ready(ctx); err != nil {
			return fmt.Errorf("waiting to start %q: %w", p.name, err)
		}
		pid, err := c.spawn(p)
		if err != nil {
			return fmt.Errorf("starting %q: %w", p.name, err)
		}
		parts[pid] = p.name
	}
	return reap(parts)
}

// mounts makes the mount namespace the node's own. Shared again among its
// processes, because volumes mounted by the kubelet must reach containerd.
func mounts() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return err
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("proc: %w", err)
	}
	for _, dir := range privateDirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
	}
	return nil
}

// inside waits for the machine's veth and sets up the node's end of it.
func (c Config) inside(ctx context.Context) error {
	for {
		if _, err := net.InterfaceByName("eth0"); err == nil {
			break
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
	n := c.network()
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"addr", "add", n.Node() + "/24", "dev", "eth0"},
		{"link", "set", "eth0", "up"},
	} {
		if err := ip(args...); err != nil {
			return err
		}
	}
	for _, name := range []string{"ipv4/ip_forward", "bridge/bridge-nf-call-iptables", "ipv4/conf/all/route_localnet"} {
		err := os.WriteFile("/proc/sys/net/"+name, []byte("1"), 0o644)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// program is one of the node's.
type program struct {
	name, path string
	args       []string
	ready      func(context.Context) error // waits until it may start
}

func (c Config) programs() []program {
	return []program{
		{"containerd", "/usr/bin/containerd", []string{"--config", c.path("containerd.toml")},
			dialing("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.APIPort)))},
		{"kubelet", filepath.Join(c.Bin, "kubelet"), []string{
			"--config=" + c.path("kubelet.yaml"), "--kubeconfig=" + c.Kubeconfig,
			"--root-dir=" + c.path("kubelet"), "--hostname-override=" + Name, "--node-ip=" + c.network().Node(),
			"--node-labels=aistor-upgrade.dev/node=" + Name,
		}, dialing("unix", socket)},
		{"kube-proxy", filepath.Join(c.Bin, "kube-proxy"), []string{"--config=" + c.path("kube-proxy.yaml")},
			dialing("unix", socket)},
	}
}

func (c Config) spawn(p program) (int, error) {
	log, err := os.OpenFile(filepath.Join(c.Logs, p.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	// HOME: a kubelet pulls with the credentials of its own ~/.docker too.
	env := []string{"HOME=" + c.path("home"), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	// Not os/exec: its Wait and reap would take each other's children.
	return syscall.ForkExec(p.path, append([]string{p.name}, p.args...), &syscall.ProcAttr{
		Dir: c.Dir, Env: env, Files: []uintptr{0, log.Fd(), log.Fd()},
	})
}

// reap takes in the orphans of the namespace, shims and containers, until a
// program of the node ends.
func reap(parts map[int]string) error {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reaping: %w", err)
		}
		if name, ok := parts[pid]; ok {
			return fmt.Errorf("%s ended with status %d", name, status.ExitStatus())
		}
	}
}

func dialing(network, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			conn, err := net.Dial(network, address)
			if err == nil {
				return conn.Close()
			}
			if err := pause(ctx); err != nil {
				return err
			}
		}
	}
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %s", args, err, out)
	}
	return nil
}
