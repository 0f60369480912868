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
	for _, e := range waitGone(rest, Grace) {
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
