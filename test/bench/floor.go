package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// workers is how many requests are on the way at once, for every tool that can
// be told.
const workers = 8

// stored is what the floor writes beside its file.
type stored struct {
	Manifests [][]byte
	Blobs     []place
	Size      int64
}

// place is a blob in the file, with the repositories that need it.
type place struct {
	descriptor
	Offset int64
	Repos  []string
}

// floor moves the blobs and does nothing else, as well as it can be done with
// the same library: the largest first, eight at once, every shared blob once,
// hashed only where nobody else does (a registry checks what it is sent), and
// the same fsync.
func floor(verb, host, file string) error {
	switch verb {
	case "create":
		return floorCreate(newClient(host), file)
	case "push":
		return floorPush(newClient(host), file)
	case "no-op push":
		return floorLook(newClient(host), file)
	case "verify":
		return floorVerify(file)
	}
	return fmt.Errorf("no such floor %q", verb)
}

func floorCreate(c *client, file string) error {
	s, err := survey(c)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(s.Size); err != nil {
		return err
	}
	flush, flushed := through(f)
	buffers := sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}
	err = parallel(s.Blobs, func(b place) error {
		body, err := c.get("/v2/" + b.Repos[0] + "/blobs/" + b.Digest)
		if err != nil {
			return err
		}
		defer body.Close()
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		return land(f, b, body, *buf, flush)
	})
	if err := errors.Join(err, flushed()); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(file+".json", text, 0o644)
}

// through writes through in the background after every 32 MiB, so that little
// is left to wait for at the end.
func through(f *os.File) (arrived func(int), stop func() error) {
	const every = 32 << 20
	var total atomic.Int64
	due, done := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		var first error
		for range due {
			if err := f.Sync(); first == nil {
				first = err
			}
		}
		done <- first
	}()
	arrived = func(n int) {
		after := total.Add(int64(n))
		if (after-int64(n))/every == after/every {
			return
		}
		select {
		case due <- struct{}{}:
		default:
		}
	}
	return arrived, func() error { close(due); return <-done }
}

// land writes a blob to its place, in pieces worth a call to the system.
func land(f *os.File, b place, body io.Reader, buf []byte, flush func(int)) error {
	h := sha256.New()
	for at := b.Offset; ; {
		n, err := io.ReadAtLeast(body, buf, len(buf)/2)
		if _, err := f.WriteAt(buf[:n], at); err != nil {
			return err
		}
		_, _ = h.Write(buf[:n])
		flush(n)
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return same(b.Digest, h.Sum(nil))
		case err != nil:
			return err
		}
	}
}

// survey fetches the manifests and places each blob once, the largest first.
func survey(c *client) (*stored, error) {
	s := &stored{Manifests: make([][]byte, imageCount)}
	err := parallel(numbers(), func(i int) error {
		body, err := c.get("/v2/" + image(i) + "/manifests/" + imageTag)
		if err != nil {
			return err
		}
		defer body.Close()
		s.Manifests[i], err = io.ReadAll(body)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, raw := range s.Manifests {
		var m manifest
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, err
		}
		for _, d := range append(m.Layers, m.Config) {
			at := slices.IndexFunc(s.Blobs, func(p place) bool { return p.Digest == d.Digest })
			if at < 0 {
				s.Blobs, at = append(s.Blobs, place{descriptor: d, Offset: s.Size}), len(s.Blobs)
				s.Size += (d.Size + 4095) / 4096 * 4096 // whole pages
			}
			s.Blobs[at].Repos = append(s.Blobs[at].Repos, image(i))
		}
	}
	slices.SortStableFunc(s.Blobs, func(a, b place) int { return cmp.Compare(b.Size, a.Size) })
	return s, nil
}

func numbers() []int {
	list := make([]int, imageCount)
	for i := range list {
		list[i] = i
	}
	return list
}

func floorVerify(file string) error {
	s, f, err := open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return parallelN(runtime.GOMAXPROCS(0), s.Blobs, func(b place) error {
		h := sha256.New()
		if _, err := io.CopyBuffer(h, io.NewSectionReader(f, b.Offset, b.Size), make([]byte, 1<<20)); err != nil {
			return err
		}
		return same(b.Digest, h.Sum(nil))
	})
}

// open is a floor's file with what is stored in it.
func open(file string) (*stored, *os.File, error) {
	s, err := load(file)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Open(file)
	return s, f, err
}

func load(file string) (*stored, error) {
	text, err := os.ReadFile(file + ".json")
	if err != nil {
		return nil, err
	}
	var s stored
	return &s, json.Unmarshal(text, &s)
}

func same(want string, sum []byte) error {
	if got := fmt.Sprintf("sha256:%x", sum); got != want {
		return fmt.Errorf("received %s, expected %s", got, want)
	}
	return nil
}

// parallel runs f on every item, as many at once as there are workers, and
// gives the first error.
func parallel[T any](items []T, f func(T) error) error { return parallelN(workers, items, f) }

func parallelN[T any](n int, items []T, f func(T) error) error {
	var (
		wg    sync.WaitGroup
		once  sync.Once
		first error
		todo  = make(chan T)
	)
	for range n {
		wg.Go(func() {
			for item := range todo {
				if err := f(item); err != nil {
					once.Do(func() { first = err })
				}
			}
		})
	}
	for _, item := range items {
		todo <- item
	}
	close(todo)
	wg.Wait()
	return first
}
