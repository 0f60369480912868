package lease

import (
	"errors"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// BusyError says that another run holds the lease.
type BusyError struct {
	Holder string
	// Since is when it took the lease; zero where unknown.
	Since time.Time
	// Namespace is set where it holds the Lease of one of [Options.Also].
	Namespace string
}

// Error names the holder.
func (e *BusyError) Error() string {
	in := ""
	if e.Namespace != "" {
		in = message.Sprintf(" in namespace %q", e.Namespace)
	}
	return "another run is under way" + in + ": held by " + e.Holder + since(e.Since)
}

// LostError says that a run no longer holds its lease: it must stop, and write
// nothing any more.
type LostError struct {
	// Lease is namespace/name of the Lease.
	Lease string
	// Own is the run that lost it.
	Own string
	// Holder has it now, since Since; empty where nobody does. Then Last is who
	// had it in between, if that is known, and Freed is when it was given back.
	Holder string
	Since  time.Time
	Last   string
	Freed  time.Time
	// Deleted says that the Lease is there no more.
	Deleted bool
}

// Error says what happened and who holds the lease now.
func (e *LostError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *LostError) Lines() []string {
	now := "held by " + e.Holder + since(e.Since)
	switch {
	case e.Deleted:
		now = "no such Lease"
	case e.Holder == "" && e.Last != "":
		now = "not held; released by " + e.Last + at(e.Freed)
	case e.Holder == "":
		now = "not held" + since(e.Freed)
	}
	return []string{
		message.Sprintf("lease %q was lost: this run was suspended or disconnected for longer than the lease duration; it stops and writes nothing more", e.Lease),
		"received: " + message.Line(now),
		"expected: held by " + message.Line(e.Own),
	}
}

// errNotHeld is what a write gets before the lease is taken and after it was
// given back.
var errNotHeld = errors.New("nothing is written without the lease")

// errStale is what a connection gets whose lease has not been confirmed for so
// long that another client may hold it. The request can be repeated: that
// confirms the lease, or finds that it is lost.
var errStale = errors.New("the lease was not confirmed in time; nothing was sent")

// silentError is why a lease could not be confirmed in time. It is a timeout in
// the sense of net.Error, so that asking again makes sense, and not one of those
// that the user has set.
type silentError struct{ within time.Duration }

func (e *silentError) Error() string {
	return "no answer from the API server within " + e.within.String()
}

// Timeout and Temporary make it a net.Error.
func (e *silentError) Timeout() bool   { return true }
func (e *silentError) Temporary() bool { return true }

func since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + t.UTC().Format(time.RFC3339)
}

func at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " at " + t.UTC().Format(time.RFC3339)
}
