package bundle

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const (
	// copyBuffer is the most that is written at a time. copyAtLeast is gathered
	// before: TLS hands out 16 KiB at a time, and each write is two calls to
	// the system. It is what a kill can lose of each blob on its way.
	copyBuffer  = 256 << 10
	minCopySize = 128 << 10
	// maxFailedConnections is how many connections in a row may break without a byte.
	maxFailedConnections = 6
)

// fetchAll runs the downloads.
func (w *writer) fetchAll(ctx context.Context, src Fetcher, todo []pendingEntry) error {
	slices.SortStableFunc(todo, func(a, b pendingEntry) int { return cmp.Compare(b.entry.blob.Size, a.entry.blob.Size) })
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(w.opts.Concurrency)
	buffers := make(chan []byte, w.opts.Concurrency)
	for range w.opts.Concurrency {
		buffers <- nil
	}
	for _, p := range todo {
		g.Go(func() error {
			buf := <-buffers
			if buf == nil {
				buf = make([]byte, copyBuffer)
			}
			defer func() { buffers <- buf }()
			d := &download{w: w, src: src, pendingEntry: p, buf: buf}
			if err := d.run(ctx); err != nil {
				return fmt.Errorf("fetching blob %s of %q: %w", p.entry.blob.Digest, p.entry.blob.repo.Name(), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// pendingEntry is an entry whose content is yet to come.
type pendingEntry struct {
	index int
	entry entry
}

// download brings one blob to its place.
type download struct {
	w   *writer
	src Fetcher
	pendingEntry
	buf []byte

	sum    hash.Hash
	offset int64
}

// run continues what is there, as often as connections break, as long as they
// bring something. Bytes that turn out wrong are fetched again, once.
func (d *download) run(ctx context.Context) error {
	if err := d.hashExisting(ctx); err != nil {
		return err
	}
	size, again, barren := d.entry.blob.Size, false, 0
	for {
		if d.offset == size {
			err := d.verifyDigest()
			if err == nil || again {
				return err
			}
			again = true
			d.resetDownload(err)
		}
		before := d.offset
		err := d.readStream(ctx)
		var local *writeError
		switch {
		case errors.As(err, &local):
			return local.error
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case d.offset == size:
			continue
		case d.offset > before:
			barren = 0
		default:
			barren++
		}
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		if barren >= maxFailedConnections || isSourceError(err) {
			return err
		}
		d.w.opts.Progress.Emit(images.Event{Kind: images.EventRetry, Subject: d.entry.blob.Digest, Err: err})
		if err := d.w.opts.Wait(ctx, time.Duration(barren+1)*200*time.Millisecond); err != nil {
			return err
		}
	}
}

// verifyDigest holds all bytes against the digest.
func (d *download) verifyDigest() error {
	have := "sha256:" + hex.EncodeToString(d.sum.Sum(nil))
	if have == d.entry.blob.Digest {
		return nil
	}
	return message.Errorf("digest mismatch\nreceived: %s\nexpected: %s", have, d.entry.blob.Digest)
}

// hashExisting hashes what an earlier run left.
func (d *download) hashExisting(ctx context.Context) error {
	d.sum = sha256.New()
	have := d.w.journal.bytesDone(d.index)
	for d.offset < have {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := d.w.st.ReadAt(d.buf[:min(int64(len(d.buf)), have-d.offset)], d.entry.offset+d.offset)
		if n == 0 && err != nil {
			return err
		}
		_, _ = d.sum.Write(d.buf[:n])
		d.offset += int64(n)
	}
	d.w.kept.Add(d.offset)
	if d.offset > 0 {
		d.w.opts.Progress.Emit(images.Event{Kind: images.EventSkipped, Bytes: d.offset})
	}
	return nil
}

func (d *download) resetDownload(err error) {
	d.w.opts.Progress.Emit(images.Event{Kind: images.EventRetry, Subject: d.entry.blob.Digest, Err: err})
	d.w.opts.Progress.Emit(images.Event{Kind: images.EventMoved, Bytes: -d.offset})
	d.offset = 0
	d.sum.Reset()
}

// writeError is a failure on our own side, which another connection won't cure.
type writeError struct{ error }

// readStream reads one connection to its end.
func (d *download) readStream(ctx context.Context) error {
	rc, _, err := d.src.OpenBlob(ctx, d.entry.blob.repo, d.entry.blob.Digest, d.offset)
	if err != nil {
		return &sourceError{err}
	}
	defer rc.Close()
	for d.offset < d.entry.blob.Size {
		buf := d.buf[:min(int64(len(d.buf)), d.entry.blob.Size-d.offset)]
		n, err := io.ReadAtLeast(rc, buf, min(len(buf), minCopySize))
		if n > 0 {
			if err := d.writeChunk(d.buf[:n]); err != nil {
				return &writeError{err}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *download) writeChunk(b []byte) error {
	if _, err := d.w.st.WriteAt(b, d.entry.offset+d.offset); err != nil {
		return err
	}
	_, _ = d.sum.Write(b)
	d.offset += int64(len(b))
	n := int64(len(b))
	after := d.w.fetched.Add(n)
	d.w.flusher.recordBytes(after-n, after)
	d.w.opts.Progress.Emit(images.Event{Kind: images.EventMoved, Bytes: n})
	return d.w.journal.setBytesDone(d.index, d.offset)
}

// sourceError is what the source said instead of a stream: it has tried as
// often as makes sense.
type sourceError struct{ error }

// Unwrap gives the cause.
func (e *sourceError) Unwrap() error { return e.error }

func isSourceError(err error) bool {
	var a *sourceError
	return errors.As(err, &a)
}
