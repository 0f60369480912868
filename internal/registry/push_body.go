package registry

import (
	"errors"
	"io"
	"io/fs"
	"sync"
)

// sourceBody is what an upload sends. It remembers why reading failed, which
// net/http would hide among its own errors.
type sourceBody struct {
	io.ReadCloser

	mu  sync.Mutex
	err error
}

// Read implements io.Reader.
func (b *sourceBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, fs.ErrClosed) {
		b.mu.Lock()
		b.err = err
		b.mu.Unlock()
	}
	return n, err
}

func (b *sourceBody) failure() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}
