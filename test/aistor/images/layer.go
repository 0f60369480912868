package images

import (
	"archive/tar"
	"bytes"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// entry is one file of a layer; with a link it is a symbolic link.
type entry struct {
	name, link string
	data       []byte
	mode       int64
}

func newLayer(entries ...entry) (v1.Layer, error) {
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.data)), ModTime: time.Unix(0, 0), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if e.link != "" {
			header.Typeflag, header.Linkname = tar.TypeSymlink, e.link
		} else if e.name[len(e.name)-1] == '/' {
			header.Typeflag = tar.TypeDir
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, fmt.Errorf("writing layer entry %q: %w", e.name, err)
		}
		if _, err := archive.Write(e.data); err != nil {
			return nil, fmt.Errorf("writing layer entry %q: %w", e.name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return nil, fmt.Errorf("closing layer: %w", err)
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// noise returns n bytes that do not compress and depend on the words alone.
func noise(n int64, words ...string) []byte {
	sum := fnv.New64a()
	for _, w := range words {
		fmt.Fprintf(sum, "%d:%s", len(w), w)
	}
	var seed [32]byte
	for i := range 4 {
		fmt.Fprintf(sum, "%d", i)
		copy(seed[8*i:], sum.Sum(nil))
	}
	data := make([]byte, n)
	// ChaCha8 never fails to fill the slice.
	_, _ = rand.NewChaCha8(seed).Read(data)
	return data
}
