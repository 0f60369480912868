package bundle

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// hashBuffer is read at a time by each worker.
const hashBuffer = 1 << 20

// Verify reads every byte. The structure is derived and compared once more,
// then all blobs are hashed, one worker a processor, and what the manifest
// claims of images is compared with their configs. What is wrong is returned
// as problems, sorted by offset; an error means that verifying itself failed.
func (b *Bundle) Verify(ctx context.Context, progress images.Progress) ([]Problem, error) {
	var problems []Problem
	again, err := openStored(b.path, b.st)
	if err != nil {
		var fe *FormatError
		if !errors.As(err, &fe) {
			fe = &FormatError{Reason: strings.Join(message.Lines(err), ", ")}
		}
		problems = append(problems, Problem{File: fe.Path, Offset: fe.Offset, Reason: fe.Reason})
	} else if again.digest != b.digest {
		problems = append(problems, Problem{Reason: "the bundle was replaced since it was opened"})
	}
	if p, ok := b.st.(*parts); ok {
		problems = append(problems, p.verifyHeaders()...)
	}
	found, err := b.verifyBlobs(ctx, progress)
	if err != nil {
		return append(problems, found...), err
	}
	claims, err := b.verifyConfigs(ctx)
	return slices.Concat(problems, found, claims), err
}

func (b *Bundle) verifyBlobs(ctx context.Context, progress images.Progress) ([]Problem, error) {
	entries := b.layout.entries[2:]
	var total int64
	for _, e := range entries {
		total += e.blob.Size
	}
	progress.Emit(images.Event{Kind: images.EventTotal, Bytes: total})
	wrong := make([]string, len(entries))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	buffers := sync.Pool{New: func() any { b := make([]byte, hashBuffer); return &b }}
	for _, i := range largestFirst(entries) {
		e := entries[i]
		g.Go(func() error {
			buf := buffers.Get().(*[]byte)
			defer buffers.Put(buf)
			sum, err := hashRange(ctx, b.st, e.offset, e.blob.Size, *buf, progress)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				wrong[i] = fmt.Sprintf("it cannot be read: %v", err)
			case sum != e.blob.Digest:
				wrong[i] = "its bytes give " + sum
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []Problem
	for i, e := range entries {
		if wrong[i] != "" {
			file, at := b.st.locate(e.offset)
			out = append(out, Problem{Subject: b.blobUsers(e.blob.Digest), Digest: e.blob.Digest, File: file, Offset: at, Reason: wrong[i]})
		}
	}
	return out, nil
}

// largestFirst orders entries so that no big one is left to a single worker at
// the end.
func largestFirst(entries []entry) []int {
	order := make([]int, len(entries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(entries[b].blob.Size, entries[a].blob.Size) })
	return order
}

// hashRange hashes a part of the file.
func hashRange(ctx context.Context, r io.ReaderAt, off, size int64, buf []byte, progress images.Progress) (string, error) {
	h := sha256.New()
	for done := int64(0); done < size; {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.ReadAt(buf[:min(int64(len(buf)), size-done)], off+done)
		if n == 0 && err != nil {
			return "", err
		}
		_, _ = h.Write(buf[:n])
		done += int64(n)
		progress.Emit(images.Event{Kind: images.EventMoved, Bytes: int64(n)})
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}
