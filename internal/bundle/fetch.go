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
	copyAtLeast = 128 << 10
	// maxBarren is how many connections in a row may break without a byte.
	maxBarren = 6
)

// fetchAll runs the downloads.
func (w *writer) fetchAll(ctx context.Context, src Fetcher, todo []pending) error {
	slices.SortStableFunc(todo, func(a, b pending) int { return cmp.Compare(b.entry.blob.Size, a.entry.blob.Size) })
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
			d := &download{w: w, src: src, pending: p, buf: buf}
			if err := d.run(ctx); err != nil {
				return fmt.Errorf("fetching blob %s of %q: %w", p.entry.blob.Digest, p.entry.blob.repo.Name(), err)
			}
			return nil
		})
	}
	return g.Wait()
}

// pending is an entry whose content is yet to come.
type pending struct {
	index int
	entry entry
}

// download brings one blob to its place.
type download struct {
	w   *writer
	src Fetcher
	pending
	buf []byte

	sum hash.Hash
	at  int64
}

// run continues what is there, as often as connections break, as long as they
// bring something. Bytes that turn out wrong are fetched again, once.
func (d *download) run(ctx context.Context) error {
	if err := d.takeUp(ctx); err != nil {
		return err
	}
	size, again, barren := d.entry.blob.Size, false, 0
	for {
		if d.at == size {
			err := d.proved()
			if err == nil || again {
				return err
			}
			again = true
			d.restart(err)
		}
		before := d.at
		err := d.stream(ctx)
		var local *writeError
		switch {
		case errors.As(err, &local):
			return local.error
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case d.at == size:
			continue
		case d.at > before:
			barren = 0
		default:
			barren++
		}
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		if barren >= maxBarren || isAnswer(err) {
			return err
		}
		d.w.opts.Progress.Emit(images.Event{Kind: images.EventRetry, Subject: d.entry.blob.Digest, Err: err})
		if err := d.w.opts.Wait(ctx, time.Duration(barren+1)*200*time.Millisecond); err != nil {
			return err
		}
	}
}

// proved holds all bytes against the digest.
func (d *download) proved() error {
	have := "sha256:" + hex.EncodeToString(d.sum.Sum(nil))
	if have == d.entry.blob.Digest {
		return nil
	}
	return message.Errorf("the bytes are not what the digest names\nreceived: %s\nexpected: %s", have, d.entry.blob.Digest)
}

// takeUp hashes what an earlier run left.
func (d *download) takeUp(ctx context.Context) error {
	d.sum = sha256.New()
	have := d.w.journal.at(d.index)
	for d.at < have {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := d.w.st.ReadAt(d.buf[:min(int64(len(d.buf)), have-d.at)], d.entry.offset+d.at)
		if n == 0 && err != nil {
			return err
		}
		_, _ = d.sum.Write(d.buf[:n])
		d.at += int64(n)
	}
	d.w.kept.Add(d.at)
	if d.at > 0 {
		d.w.opts.Progress.Emit(images.Event{Kind: images.EventSkipped, Bytes: d.at})
	}
	return nil
}

func (d *download) restart(err error) {
	d.w.opts.Progress.Emit(images.Event{Kind: images.EventRetry, Subject: d.entry.blob.Digest, Err: err})
	d.w.opts.Progress.Emit(images.Event{Kind: images.EventMoved, Bytes: -d.at})
	d.at = 0
	d.sum.Reset()
}

// writeError is a failure on our own side, which another connection won't cure.
type writeError struct{ error }

// stream reads one connection to its end.
func (d *download) stream(ctx context.Context) error {
	rc, _, err := d.src.OpenBlob(ctx, d.entry.blob.repo, d.entry.blob.Digest, d.at)
	if err != nil {
		return &answerError{err}
	}
	defer rc.Close()
	for d.at < d.entry.blob.Size {
		buf := d.buf[:min(int64(len(d.buf)), d.entry.blob.Size-d.at)]
		n, err := io.ReadAtLeast(rc, buf, min(len(buf), copyAtLeast))
		if n > 0 {
			if err := d.write(d.buf[:n]); err != nil {
				return &writeError{err}
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *download) write(b []byte) error {
	if _, err := d.w.st.WriteAt(b, d.entry.offset+d.at); err != nil {
		return err
	}
	_, _ = d.sum.Write(b)
	d.at += int64(len(b))
	n := int64(len(b))
	after := d.w.fetched.Add(n)
	d.w.flush.arrived(after-n, after)
	d.w.opts.Progress.Emit(images.Event{Kind: images.EventMoved, Bytes: n})
	return d.w.journal.set(d.index, d.at)
}

// answerError is what the source said instead of a stream: it has tried as
// often as makes sense.
type answerError struct{ error }

// Unwrap gives the cause.
func (e *answerError) Unwrap() error { return e.error }

func isAnswer(err error) bool {
	var a *answerError
	return errors.As(err, &a)
}
