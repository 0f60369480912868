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

// parents gives the parent of every process.
func parents() (map[int]int, error) {
	text, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil, err
	}
	out := map[int]int{}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 {
			pid, _ := strconv.Atoi(fields[0])
			out[pid], _ = strconv.Atoi(fields[1])
		}
	}
	return out, nil
}
