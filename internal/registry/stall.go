package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// stallReader ends a download whose bytes stop coming, after limit. For the
// first byte it waits as long as for an answer.
type stallReader struct {
	body   io.ReadCloser
	limit  time.Duration
	cancel context.CancelCauseFunc
	wrap   func(error) error
	timer  *time.Timer
	fired  atomic.Bool
}

func newStallReader(body io.ReadCloser, o Options, cancel context.CancelCauseFunc, wrap func(error) error) *stallReader {
	r := &stallReader{body: body, limit: o.StallTimeout, cancel: cancel, wrap: wrap}
	r.timer = time.AfterFunc(o.AnswerTimeout, func() {
		r.fired.Store(true)
		r.cancel(&stalled{"came", r.limit})
	})
	return r
}

// stalled is an error that is worth another attempt.
type stalled struct {
	what  string // "came" or "was taken"
	after time.Duration
}

// Error implements error.
func (e *stalled) Error() string { return fmt.Sprintf("no byte %s for %s", e.what, e.after) }

// Timeout makes it a timeout in the sense of net.Error.
func (e *stalled) Timeout() bool { return true }

// Temporary completes net.Error.
func (e *stalled) Temporary() bool { return true }

// Read implements io.Reader.
func (r *stallReader) Read(b []byte) (int, error) {
	n, err := r.body.Read(b)
	if n > 0 {
		r.timer.Reset(r.limit)
	}
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if r.fired.Load() {
		err = &stalled{"came", r.limit}
	}
	return n, r.wrap(err)
}

// Close implements io.Closer.
func (r *stallReader) Close() error {
	r.timer.Stop()
	err := r.body.Close()
	r.cancel(nil)
	return err
}
