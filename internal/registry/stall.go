package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// stallReader ends a download whose bytes stop coming. The clock starts with
// the first byte.
type stallReader struct {
	body   io.ReadCloser
	limit  time.Duration
	cancel context.CancelCauseFunc
	wrap   func(error) error
	timer  *time.Timer
	fired  atomic.Bool
}

func newStallReader(body io.ReadCloser, limit time.Duration, cancel context.CancelCauseFunc, wrap func(error) error) *stallReader {
	return &stallReader{body: body, limit: limit, cancel: cancel, wrap: wrap}
}

// stalled is an error that is worth another attempt.
type stalled struct{ after time.Duration }

// Error implements error.
func (e *stalled) Error() string { return fmt.Sprintf("no byte came for %s", e.after) }

// Timeout makes it a timeout in the sense of net.Error.
func (e *stalled) Timeout() bool { return true }

// Temporary completes net.Error.
func (e *stalled) Temporary() bool { return true }

// Read implements io.Reader.
func (r *stallReader) Read(b []byte) (int, error) {
	n, err := r.body.Read(b)
	if n > 0 {
		r.reset()
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if r.fired.Load() {
		err = &stalled{r.limit}
	}
	return n, r.wrap(err)
}

func (r *stallReader) reset() {
	if r.timer != nil {
		r.timer.Reset(r.limit)
		return
	}
	r.timer = time.AfterFunc(r.limit, func() {
		r.fired.Store(true)
		r.cancel(&stalled{r.limit})
	})
}

// Close implements io.Closer.
func (r *stallReader) Close() error {
	if r.timer != nil {
		r.timer.Stop()
	}
	err := r.body.Close()
	r.cancel(nil)
	return err
}
