package registry

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"time"
)

// watchedBody is what an upload sends. It remembers why reading failed, which
// net/http would hide among its own errors, and ends an upload of which the
// registry takes no more: when the next bytes are not asked for although there
// are some. How long the registry then thinks about what it has is not limited,
// for it may be scanned or carried on before the answer.
type watchedBody struct {
	io.ReadCloser
	limit  time.Duration
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	err   error
	timer *time.Timer
}

// Read implements io.Reader.
func (w *watchedBody) Read(b []byte) (int, error) {
	w.rest(false)
	n, err := w.ReadCloser.Read(b)
	if err == nil {
		w.rest(true)
	} else if !errors.Is(err, io.EOF) && !errors.Is(err, fs.ErrClosed) {
		w.mu.Lock()
		w.err = err
		w.mu.Unlock()
	}
	return n, err
}

// rest starts or stops the clock that runs between two reads.
func (w *watchedBody) rest(start bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.timer == nil && start:
		w.timer = time.AfterFunc(w.limit, func() { w.cancel(&stalled{"was taken", w.limit}) })
	case w.timer != nil && start:
		w.timer.Reset(w.limit)
	case w.timer != nil:
		w.timer.Stop()
	}
}

// Close implements io.Closer.
func (w *watchedBody) Close() error {
	w.rest(false)
	return w.ReadCloser.Close()
}

func (w *watchedBody) failure() error {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}
