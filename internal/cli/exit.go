package cli

import (
	"context"
	"errors"
)

// The exit codes of both plugins.
const (
	// ExitOK is done, or passed, warnings allowed.
	ExitOK = 0
	// ExitError is wrong usage or something unexpected; nothing was changed.
	ExitError = 1
	// ExitChanges is --detailed-exitcode with changes pending.
	ExitChanges = 2
	// ExitCheckFailed is a failed check, or a plan that is refused.
	ExitCheckFailed = 3
	// ExitWarnings is warnings under --fail-on=warn.
	ExitWarnings = 4
	// ExitStopped is an upgrade that stopped with the cluster changed.
	ExitStopped = 5
	// ExitTimeout is a time-out.
	ExitTimeout = 124
	// ExitInterrupted is an interruption by the user.
	ExitInterrupted = 130
)

// exitError is an error with a code of its own.
type exitError struct {
	code int
	error
}

// Unwrap gives the error itself.
func (e *exitError) Unwrap() error { return e.error }

// withCode gives err a code; nil stays nil.
func withCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code, err}
}

// silentError ends with a code and without a message, because the verb has
// already said everything.
type silentError struct{ code int }

// Error implements error.
func (e *silentError) Error() string { return "" }

// withoutMessage ends the program with a code and prints nothing.
func withoutMessage(code int) error { return &silentError{code} }

// hintError adds a command that helps to an error.
type hintError struct {
	error
	hint string
}

// Unwrap gives the error itself.
func (e *hintError) Unwrap() error { return e.error }

// Hint is the command that helps.
func (e *hintError) Hint() string { return e.hint }

// withHint adds a hint; nil stays nil.
func withHint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hintError{err, hint}
}

// isInterrupted reports whether err is the user's doing.
func isInterrupted(ctx context.Context, err error) bool { return err != nil && ctx.Err() != nil }

func exitCode(ctx context.Context, err error) int {
	var coded *exitError
	var silent *silentError
	switch {
	case errors.As(err, &silent):
		return silent.code
	case errors.As(err, &coded):
		return coded.code
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.Is(err, context.DeadlineExceeded):
		return ExitTimeout
	}
	return ExitError
}
