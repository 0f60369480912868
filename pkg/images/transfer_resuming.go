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
	return &resumingReader{ReadCloser: rc, reopen: again, offset: from, bytesLeft: left, ctx: ctx}, nil
}

// resumingReader is a stream that opens itself again where it broke off, as long as
// each opening brings something.
type resumingReader struct {
	io.ReadCloser
	reopen     func(at int64) (io.ReadCloser, error)
	ctx        context.Context //nolint:containedctx // lives as long as the read it belongs to
	offset     int64
	bytesLeft  int64 // -1 where not known
	noProgress bool
}

// Read implements io.Reader.
func (r *resumingReader) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	r.offset += int64(n)
	if r.bytesLeft >= 0 {
		r.bytesLeft -= int64(n)
	}
	if n > 0 {
		r.noProgress = false
	}
	broken := err != nil && (!errors.Is(err, io.EOF) || r.bytesLeft > 0)
	if !broken || r.noProgress || r.ctx.Err() != nil {
		return n, err
	}
	r.noProgress = true
	rc, openErr := r.reopen(r.offset)
	if openErr != nil {
		return n, openErr
	}
	_ = r.ReadCloser.Close()
	r.ReadCloser = rc
	return n, nil
}
