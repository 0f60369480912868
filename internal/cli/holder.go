package cli

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// holder names this process in the lease: host, process namespace, process.
func holder() string { return place() + "/" + strconv.Itoa(os.Getpid()) }

// place is where process numbers of this process mean something. Two
// containers may share a host's name but not its process numbers.
func place() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		space = runtime.GOOS
	}
	return host + "/" + space
}

// holderGone reports whether another holder certainly runs no more, so that
// its lease need not be waited for. Of holders elsewhere nothing is known.
func holderGone(other string) bool {
	pid, ok := strings.CutPrefix(other, place()+"/")
	if !ok || runtime.GOOS == "windows" {
		return false
	}
	n, err := strconv.Atoi(pid)
	if err != nil {
		return false
	}
	p, err := os.FindProcess(n)
	if err != nil {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH)
}
