// Package bundletest makes bundles for tests that no bundle create would make:
// valid in every byte and digest, with contents that are not what they claim.
package bundletest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

const blobs = "blobs/sha256/"

type entry struct {
	name    string
	content []byte
}

// Edit rewrites the bundle in file. Edit gets the content of every entry and
// gives it back changed, in the same length. Digests that change with it are
// replaced wherever they are named, so that the bundle proves to be whole.
func Edit(t testing.TB, file string, edit func(content []byte) []byte) {
	t.Helper()
	entries := read(t, file)
	for i, e := range entries {
		entries[i].content = edit(bytes.Clone(e.content))
		if len(entries[i].content) != len(e.content) {
			t.Fatalf("%s: %d bytes became %d", e.name, len(e.content), len(entries[i].content))
		}
	}
	for renamed := true; renamed; { // each round goes one reference up
		renamed = false
		for i, e := range entries {
			old, isBlob := strings.CutPrefix(e.name, blobs)
			sum := sha256.Sum256(e.content)
			now := hex.EncodeToString(sum[:])
			if !isBlob || now == old {
				continue
			}
			renamed = true
			entries[i].name = blobs + now
			for j := range entries {
				entries[j].content = bytes.ReplaceAll(entries[j].content, []byte(old), []byte(now))
			}
		}
	}
	write(t, file, entries)
}

func read(t testing.TB, file string) []entry {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []entry
	r := tar.NewReader(bytes.NewReader(content))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, entry{h.Name, b})
	}
}

// write frames entries as bundle create does: a reader takes no other header.
func write(t testing.TB, file string, entries []entry) {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Size: int64(len(e.content)), Mode: 0o644, ModTime: time.Unix(0, 0)}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
