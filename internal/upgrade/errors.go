package upgrade

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
)

var (
	// ErrNotProbed is a [AvailabilityProber]'s answer where the store couldn't be asked.
	ErrNotProbed = errors.New("the store could not be queried")
	// ErrMayNotProbe is an ErrNotProbed where asking again is no use.
	ErrMayNotProbe = fmt.Errorf("not allowed to query: %w", ErrNotProbed)
	// ErrDeadline means that the next step could not end before the deadline.
	ErrDeadline = errors.New("the next step would not finish before the deadline")
)

// StoppedError says at which step a run stopped and what that means. Look for
// the more specific [TimeoutError] and [DriftError] in it first.
type StoppedError struct {
	// Step is empty where the run stopped before the first one.
	Step string
	// Changed says the cluster is no longer what it was before the plan.
	Changed bool
	Cause   error
	// Next is the exact command to type next; empty where none was given.
	Next string
	// UndoResult says what became of the failed step's chart where
	// [Options.RollbackOnFailure] asked for its rollback.
	UndoResult string
	// Rollback says that this was a rollback.
	Rollback bool
	// Evidence is the directory with logs and events of what failed, if any.
	Evidence string
}

// Error names the step, the cause, whether something changed, and the way on.
func (e *StoppedError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *StoppedError) Lines() []string {
	lines := slices.Clone(message.Lines(e.Cause))
	what := operationText(e.Rollback) + ": "
	if e.Step != "" {
		what += message.Sprintf("running step %q: ", e.Step)
	}
	lines[0] = what + lines[0]
	lost := errors.As(e.Cause, new(*lease.LostError))
	if e.Changed {
		lines = append(lines, "the cluster was changed")
	} else if lost {
		lines = append(lines, "this run had changed nothing")
	} else {
		lines = append(lines, "nothing was changed")
	}
	if e.UndoResult != "" {
		lines = append(lines, message.Line(e.UndoResult))
	}
	if e.Evidence != "" {
		lines = append(lines, "logs and events: "+message.Line(e.Evidence))
	}
	if e.Next != "" {
		lines = append(lines, "hint: "+message.Block(e.Next))
	}
	return lines
}

// Unwrap is the cause.
func (e *StoppedError) Unwrap() error { return e.Cause }

// BusyError says that another run holds the lease, or that another Helm may be
// at work at a release.
type BusyError struct {
	Holder string
	// Since is when it began; zero where unknown.
	Since time.Time
	// Namespace is where the Lease lies; empty where none is held.
	Namespace string
	// Back says that this was a rollback.
	Back bool
	// Release is the namespace/name that a Helm left pending, and Until when
	// it is taken for dead. Both are empty where the lease is held.
	Release string
	Until   time.Time
}

// Error names the holder, and how to check its Lease.
func (e *BusyError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *BusyError) Lines() []string {
	if e.Release != "" {
		return []string{message.Sprintf("release %s: another Helm operation may be in progress since %s; wait, or rerun after %s",
			e.Release, e.Since.UTC().Format(time.RFC3339), e.Until.UTC().Format(time.RFC3339))}
	}
	since := ""
	if !e.Since.IsZero() {
		since = " since " + e.Since.UTC().Format(time.RFC3339)
	}
	return []string{
		message.Sprintf("%s: another run is under way in namespace %q: held by %s%s", operationText(e.Back), e.Namespace, message.Line(e.Holder), since),
		"nothing was changed",
		"hint: " + shellquote.Command("kubectl get lease %s -n %s -o yaml", lease.Name, e.Namespace),
	}
}

// InterruptedError says what an interrupted run did and what it left.
type InterruptedError struct {
	Changed         bool
	Rollback        bool // this was a rollback
	Done, Remaining []string
	// Next resumes the run.
	Next string
}

// Error lists both.
func (e *InterruptedError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *InterruptedError) Lines() []string {
	lines := []string{operationText(e.Rollback) + ": interrupted", "done: " + message.Line(joinOrNone(e.Done)), "remaining: " + message.Line(joinOrNone(e.Remaining))}
	if e.Next != "" {
		lines = append(lines, "hint: "+message.Block(e.Next))
	}
	return lines
}

// TimeoutError lists what was unready when waiting ended.
type TimeoutError struct {
	After   time.Duration
	Unready []string
}

// Error has one line for each unready thing.
func (e *TimeoutError) Error() string {
	return message.Sprintf("no progress for %s\nunready: %s", e.After, message.List(e.Unready, "\nunready: "))
}

// Lines implements [message.Liner].
func (e *TimeoutError) Lines() []string { return strings.Split(e.Error(), "\n") }

// HealingError says that the deadline came while only healing was left to wait
// for.
type HealingError struct {
	After time.Duration
	// Healing are the stores, with what heals in them.
	Healing []string
}

// Error has one line for each store.
func (e *HealingError) Error() string {
	return message.Sprintf("deadline exceeded while drives were healing for %s; everything else is ready, and no further store is upgraded before healing completes\nhealing: %s",
		e.After.Round(time.Second), message.List(e.Healing, "\nhealing: "))
}

// Lines implements [message.Liner].
func (e *HealingError) Lines() []string { return strings.Split(e.Error(), "\n") }

// DriftError names the fact that is not as the plan relies on.
type DriftError struct {
	Object, Field      string
	Expected, Received string
}

// Error names the fact, what the plan expects and what there is.
func (e *DriftError) Error() string {
	return message.Sprintf("%s was changed by another client: %s\nreceived: %s\nexpected: %s",
		e.Object, e.Field, cmp.Or(e.Received, "(none)"), cmp.Or(e.Expected, "(none)"))
}

// Lines implements [message.Liner].
func (e *DriftError) Lines() []string { return strings.Split(e.Error(), "\n") }

// unrecoverableError is what waiting cannot heal.
type unrecoverableError struct{ failures []readiness.Failure }

func (e *unrecoverableError) Error() string {
	lines := make([]string, len(e.failures))
	for i, t := range e.failures {
		lines[i] = t.Text
	}
	return "cannot recover by waiting: " + string(message.List(lines, "\nand: "))
}

// Lines implements [message.Liner].
func (e *unrecoverableError) Lines() []string { return strings.Split(e.Error(), "\n") }

// isTransient reports whether a request failed because the API server was away
// or busy, so that repeating it makes sense.
func isTransient(err error) bool {
	var ne net.Error
	switch {
	case err == nil, errors.As(err, new(*lease.LostError)), apierrors.IsForbidden(err), apierrors.IsNotFound(err), apierrors.IsInvalid(err), apierrors.IsConflict(err):
		return false
	case utilnet.IsConnectionRefused(err), utilnet.IsConnectionReset(err), utilnet.IsHTTP2ConnectionLost(err),
		utilnet.IsProbableEOF(err), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &ne):
		return true
	case apierrors.IsServerTimeout(err), apierrors.IsTimeout(err), apierrors.IsTooManyRequests(err), apierrors.IsServiceUnavailable(err):
		return true
	}
	// Helm flattens some causes into text. What a webhook says is no cause.
	text := err.Error()
	return !strings.Contains(text, "denied the request") &&
		(strings.Contains(text, "connection refused") || strings.Contains(text, "connection reset") || silentWebhook(err) != nil)
}

// operationText is what a run does, at the beginning of an error.
func operationText(back bool) string {
	if back {
		return "rolling back"
	}
	return "upgrading"
}

func joinOrNone(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return strings.Join(s, ", ")
}
