package proc

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

func attributes(s Spec) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Cloneflags: s.Namespaces}
	if s.DieWithParent {
		attr.Pdeathsig = syscall.SIGKILL
	}
	return attr
}

// DieWithParent are the attributes of a command that shares its starter's
// terminal but must not outlive it.
func DieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}

// startTime gives field 22 of /proc/PID/stat, clock ticks since boot, and
// whether the process has ended and only waits to be reaped.
func startTime(pid int) (started string, ended bool, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false, err
	}
	// The second field, the name in parentheses, may hold spaces.
	text := string(data)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return "", false, os.ErrProcessDone
	}
	return fields[19], fields[0] == "Z" || fields[0] == "X", nil
}
