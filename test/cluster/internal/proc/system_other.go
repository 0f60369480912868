//go:build unix && !linux

package proc

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// attributes cannot tie a process to its parent's life or give it namespaces
// outside Linux.
func attributes(Spec) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true}
}

// DieWithParent are the attributes of a command that shares its starter's
// terminal; outside Linux the system cannot end it with its starter.
func DieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func startTime(pid int) (started string, ended bool, err error) {
	out, err := exec.Command("ps", "-o", "stat=,lstart=", "-p", strconv.Itoa(pid)).Output()
	state, started, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || state == "" {
		return "", false, os.ErrProcessDone
	}
	return strings.TrimSpace(started), strings.HasPrefix(state, "Z"), nil
}
