package cli

import (
	"context"
	"io"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// abandonAfter is how long work that changes nothing may take to end by itself
// once it was interrupted. Templates, slow disks, and programs that lend
// credentials cannot be told to.
const abandonAfter = time.Second

// errAbandoned says that interrupted work did not end by itself.
var errAbandoned = &interruptedError{context.Canceled}

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
				return errAbandoned
			}
		}
	}
}

// beginChange keeps the process from ending at an interruption until end is
// called: what is being done must come to its own end.
func (p *Program) beginChange() (end func()) {
	if p.changing == nil {
		return func() {}
	}
	p.changing.Add(1)
	return func() { p.changing.Add(-1) }
}

// inquire runs f, which changes nothing, in the middle of a change: f may be
// abandoned, and the change around it ends in order. What f itself begins with
// beginChange is waited for.
func (p *Program) inquire(ctx context.Context, f func() error) error {
	if p.changing == nil {
		return f()
	}
	around := p.changing.Load()
	return abandonable(ctx, func() bool { return p.changing.Load() > around }, f)
}

// heldPuller has pods on the cluster while it pulls, which it removes.
type heldPuller struct {
	program *Program
	preflight.Puller
}

// Pull implements preflight.Puller.
func (h heldPuller) Pull(ctx context.Context, list []preflight.NodePull) []preflight.NodePullResult {
	defer h.program.beginChange()()
	return h.Puller.Pull(ctx, list)
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
		return 0, interruptionError(r.ctx)
	}
}
