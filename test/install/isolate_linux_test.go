package install

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inside tells a test process that it runs in a network of its own; the values
// are the directory of the tools and the program that makes mirrors, which were
// built while there still was a network.
const (
	inside     = "AISTOR_INSTALL_INSIDE"
	insideDist = "AISTOR_INSTALL_DIST"
)

// isolated runs the tests once more in a network namespace whose only
// interface is loopback, and gives their exit code. Where the system forbids
// that it says so, and gives false: the tests then run here, and only a proxy
// that refuses stands between them and other addresses.
func isolated() (int, bool) {
	if os.Getenv(inside) != "" {
		return 0, false
	}
	from, err := tools()
	if err == nil {
		_, err = dist()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1, true
	}
	maker, _ := dist()
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"="+from, insideDist+"="+maker)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "these tests can't have a network of their own here, and rely on a proxy that refuses:", err)
		return 0, false
	}
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode(), true
}

// enter switches loopback on, which is off in a new namespace.
func enter() error {
	if os.Getenv(inside) == "" {
		return nil
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, lo)
}

// What the other tests prove, they prove without a network.
func TestThereIsNoNetwork(t *testing.T) {
	t.Parallel()
	if os.Getenv(inside) == "" {
		t.Skip("this system gave no network namespace; a proxy that refuses takes its place")
	}
	list, err := net.Interfaces()
	if err != nil || len(list) != 1 || list[0].Flags&net.FlagLoopback == 0 {
		t.Errorf("interfaces: %v, error %v", list, err)
	}
	if c, err := net.Dial("tcp", "192.0.2.1:443"); err == nil {
		_ = c.Close()
		t.Error("an address elsewhere answers")
	}
}
