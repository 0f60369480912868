package term

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

// CodedError is an error with a code of its own.
type CodedError struct {
	code int
	error
}

// Unwrap gives the error itself.
func (e *CodedError) Unwrap() error { return e.error }

// WithCode gives err a code; nil stays nil.
func WithCode(code int, err error) error {
	if err == nil {
		return nil
	}
	return &CodedError{code, err}
}

// SilentError ends with a code and without a message, because the verb has
// already said everything.
type SilentError struct{ Code int }

// Error implements error.
func (e *SilentError) Error() string { return "" }

// WithoutMessage ends the program with a code and prints nothing.
func WithoutMessage(code int) error { return &SilentError{code} }

// hintError adds a command that helps to an error.
type hintError struct {
	error
	hint string
}

// Unwrap gives the error itself.
func (e *hintError) Unwrap() error { return e.error }

// Hint is the command that helps.
func (e *hintError) Hint() string { return e.hint }

// WithHint adds a hint; nil stays nil.
func WithHint(err error, hint string) error {
	if err == nil {
		return nil
	}
	return &hintError{err, hint}
}

// IsInterrupted reports whether err is the user's doing.
func IsInterrupted(ctx context.Context, err error) bool { return err != nil && ctx.Err() != nil }

// ExitCode gives the exit code of an error that ended a command: its own where it
// has one, else that of an interruption, a time-out or an unexpected error.
func ExitCode(ctx context.Context, err error) int {
	var coded *CodedError
	var silent *SilentError
	switch {
	case errors.As(err, &silent):
		return silent.Code
	case errors.As(err, &coded):
		return coded.code
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.Is(err, context.DeadlineExceeded):
		return ExitTimeout
	}
	return ExitError
}
