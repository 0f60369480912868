package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
)

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

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

// floor moves the blobs and does nothing else: parallel GET, sha256, write,
// fsync; or read, sha256, parallel PUT, mounts, manifests.
func floor(verb, host, file string) error {
	switch verb {
	case "create":
		return floorCreate(newClient(host), file)
	case "push":
		return floorPush(newClient(host), file)
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
	err = parallel(8, s.Blobs, func(b place) error {
		body, err := c.get("/v2/" + b.Repos[0] + "/blobs/" + b.Digest)
		if err != nil {
			return err
		}
		defer body.Close()
		h := sha256.New()
		w := io.MultiWriter(h, io.NewOffsetWriter(f, b.Offset))
		if _, err := io.CopyBuffer(w, body, make([]byte, 256<<10)); err != nil {
			return err
		}
		return same(b.Digest, h.Sum(nil))
	})
	if err != nil {
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

// survey fetches the manifests and places each blob once, the largest first.
func survey(c *client) (*stored, error) {
	s := &stored{Manifests: make([][]byte, imageCount)}
	indices := make([]int, imageCount)
	for i := range indices {
		indices[i] = i
	}
	err := parallel(8, indices, func(i int) error {
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
				s.Size += d.Size
			}
			s.Blobs[at].Repos = append(s.Blobs[at].Repos, image(i))
		}
	}
	slices.SortStableFunc(s.Blobs, func(a, b place) int { return cmp.Compare(b.Size, a.Size) })
	return s, nil
}

func floorPush(c *client, file string) error {
	s, f, err := load(file)
	if err != nil {
		return err
	}
	defer f.Close()
	err = parallel(8, s.Blobs, func(b place) error {
		h := sha256.New()
		body := io.TeeReader(io.NewSectionReader(f, b.Offset, b.Size), h)
		if err := c.putBlob(b.Repos[0], b.Digest, body, b.Size); err != nil {
			return err
		}
		for _, r := range b.Repos[1:] {
			if err := c.mount(r, b.Digest, b.Repos[0]); err != nil {
				return err
			}
		}
		return same(b.Digest, h.Sum(nil))
	})
	if err != nil {
		return err
	}
	for i, raw := range s.Manifests {
		if err := c.putManifest(image(i), imageTag, raw); err != nil {
			return err
		}
	}
	return nil
}

func floorVerify(file string) error {
	s, f, err := load(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return parallel(runtime.GOMAXPROCS(0), s.Blobs, func(b place) error {
		h := sha256.New()
		if _, err := io.CopyBuffer(h, io.NewSectionReader(f, b.Offset, b.Size), make([]byte, 1<<20)); err != nil {
			return err
		}
		return same(b.Digest, h.Sum(nil))
	})
}

func load(file string) (*stored, *os.File, error) {
	text, err := os.ReadFile(file + ".json")
	if err != nil {
		return nil, nil, err
	}
	var s stored
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, nil, err
	}
	f, err := os.Open(file)
	return &s, f, err
}

func same(want string, sum []byte) error {
	if got := fmt.Sprintf("sha256:%x", sum); got != want {
		return fmt.Errorf("received %s, expected %s", got, want)
	}
	return nil
}

// parallel runs f on every item, n at once, and gives the first error.
func parallel[T any](n int, items []T, f func(T) error) error {
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
