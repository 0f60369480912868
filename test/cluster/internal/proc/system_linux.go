package proc

import (
	"fmt"
	"os"
	"strconv"
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
	fields, err := stat(pid)
	if err != nil {
		return "", false, err
	}
	return fields[19], fields[0] == "Z" || fields[0] == "X", nil
}

// parents gives the parent of every process.
func parents() (map[int]int, error) {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	out := map[int]int{}
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		if fields, err := stat(pid); err == nil {
			out[pid], _ = strconv.Atoi(fields[1])
		}
	}
	return out, nil
}

// stat gives the fields of /proc/PID/stat from the third, the state, on.
func stat(pid int) ([]string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	// The second field, the name in parentheses, may hold spaces.
	text := string(data)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return nil, os.ErrProcessDone
	}
	return fields, nil
}
