package proc

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// Grace is how long a process may take to end after SIGTERM.
const Grace = 3 * time.Second

// dies is how long a busy machine may take to let a killed process end.
const dies = time.Minute

// Stop ends the processes of the entries, the last started first, and returns
// when all are gone. Entries whose process is gone are no error.
func Stop(entries []Entry) error {
	var errs []error
	rest := slices.Clone(entries)
	slices.Reverse(rest)
	for _, e := range rest {
		sig := syscall.SIGTERM
		if e.Kill {
			sig = syscall.SIGKILL
		}
		signal(e, sig)
	}
	rest = waitGone(rest, Grace)
	for _, e := range rest {
		signal(e, syscall.SIGKILL)
	}
	for _, e := range waitGone(rest, dies) {
		errs = append(errs, fmt.Errorf("stopping %q: process %d does not end", e.Part, e.PID))
	}
	return errors.Join(errs...)
}

func signal(e Entry, sig syscall.Signal) {
	if e.Alive() {
		// A failure shows as a process that does not end.
		_ = syscall.Kill(e.PID, sig)
	}
}

// waitGone gives the entries that are still alive at the end.
func waitGone(entries []Entry, limit time.Duration) []Entry {
	deadline := time.Now().Add(limit)
	for {
		entries = slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { return !e.Alive() })
		if len(entries) == 0 || time.Now().After(deadline) {
			return entries
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Tree gives a process and everything it started that still runs, parents
// first. What was started by a process that is gone is not found.
func Tree(pid int) ([]Entry, error) {
	parent, err := parents()
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var out []Entry
	for rest := []int{pid}; len(rest) > 0; rest = rest[1:] {
		started, ended, err := startTime(rest[0])
		if err != nil || ended {
			continue
		}
		out = append(out, Entry{Part: fmt.Sprintf("process %d", rest[0]), PID: rest[0], Started: started})
		for child, of := range parent {
			if of == rest[0] {
				rest = append(rest, child)
			}
		}
	}
	return out, nil
}

// Terminate asks the processes of the entries to end, and does not wait.
func Terminate(entries []Entry) {
	for _, e := range entries {
		signal(e, syscall.SIGTERM)
	}
}
