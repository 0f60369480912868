package images

import (
	"context"
	"errors"
	"io"
)

// OpenResuming streams a blob of a registry for sending it on. What breaks on
// the way is continued: the other side must not begin again because this side
// stumbled. The caller closes it.
func OpenResuming(ctx context.Context, f Fetcher, repo Ref, digest string, from int64) (io.ReadCloser, error) {
	rc, left, err := f.OpenBlob(ctx, repo, digest, from)
	if err != nil {
		return nil, err
	}
	again := func(at int64) (io.ReadCloser, error) {
		rc, _, err := f.OpenBlob(ctx, repo, digest, at)
		return rc, err
	}
	return &resuming{ReadCloser: rc, again: again, at: from, left: left, ctx: ctx}, nil
}

// resuming is a stream that opens itself again where it broke off, as long as
// each opening brings something.
type resuming struct {
	io.ReadCloser
	again  func(at int64) (io.ReadCloser, error)
	ctx    context.Context //nolint:containedctx // lives as long as the read it belongs to
	at     int64
	left   int64 // -1 where not known
	barren bool
}

// Read implements io.Reader.
func (r *resuming) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	r.at += int64(n)
	if r.left >= 0 {
		r.left -= int64(n)
	}
	if n > 0 {
		r.barren = false
	}
	broken := err != nil && (!errors.Is(err, io.EOF) || r.left > 0)
	if !broken || r.barren || r.ctx.Err() != nil {
		return n, err
	}
	r.barren = true
	rc, openErr := r.again(r.at)
	if openErr != nil {
		return n, openErr
	}
	_ = r.ReadCloser.Close()
	r.ReadCloser = rc
	return n, nil
}
