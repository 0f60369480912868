package term

import (
	"context"
	"io"
	"time"
)

// abandonAfter is how long work that changes nothing may take to end by itself
// once it was interrupted. Templates, slow disks, and programs that lend
// credentials cannot be told to.
const abandonAfter = time.Second

// ErrAbandoned says that interrupted work did not end by itself.
var ErrAbandoned = &interruptedError{context.Canceled}

// abandonable runs f and returns without it where it does not end soon after
// ctx. While changing says that something must not be left half done, f has
// the time that it takes.
func abandonable(ctx context.Context, changing func() bool, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	check := time.NewTicker(abandonAfter / 10)
	defer check.Stop()
	for end := time.Now().Add(abandonAfter); ; {
		select {
		case err := <-done:
			return err
		case now := <-check.C:
			if changing() {
				end = now.Add(abandonAfter)
			} else if now.After(end) {
				return ErrAbandoned
			}
		}
	}
}

// BeginChange keeps the process from ending at an interruption until end is
// called: what is being done must come to its own end.
func (p *Program) BeginChange() (end func()) {
	if p.changing == nil {
		return func() {}
	}
	p.changing.Add(1)
	return func() { p.changing.Add(-1) }
}

// Inquire runs f, which changes nothing, in the middle of a change: f may be
// abandoned, and the change around it ends in order. What f itself begins with
// beginChange is waited for.
func (p *Program) Inquire(ctx context.Context, f func() error) error {
	if p.changing == nil {
		return f()
	}
	around := p.changing.Load()
	return abandonable(ctx, func() bool { return p.changing.Load() > around }, f)
}

// interruptibleReader ends a read with ctx: nobody may type anything any more.
type interruptibleReader struct {
	io.Reader
	ctx context.Context
}

// Read implements io.Reader.
func (r *interruptibleReader) Read(p []byte) (int, error) {
	if r.ctx.Done() == nil {
		return r.Reader.Read(p)
	}
	type result struct {
		n   int
		err error
	}
	own, done := make([]byte, len(p)), make(chan result, 1)
	go func() {
		n, err := r.Reader.Read(own)
		done <- result{n, err}
	}()
	select {
	case got := <-done:
		return copy(p, own[:got.n]), got.err
	case <-r.ctx.Done():
		return 0, InterruptionError(r.ctx)
	}
}

// interruptedError says that the user interrupted what changes nothing.
type interruptedError struct{ cause error }

// Error implements error.
func (e *interruptedError) Error() string { return "interrupted" }

// Unwrap is what ended the context.
func (e *interruptedError) Unwrap() error { return e.cause }

// InterruptionError is the error of a context that ended; nil while it has not.
func InterruptionError(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &interruptedError{err}
	}
	return nil
}
