package registrytest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// blobStore keeps blobs by repository, which go-containerregistry's does not.
type blobStore struct {
	mu    sync.Mutex
	blobs map[string][]byte
}

func (s *blobStore) getBlob(repo, digest string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[strings.TrimPrefix(repo, "v2/")+"@"+digest]
	return b, ok
}

func (s *blobStore) hasBlob(repo, digest string) bool {
	_, ok := s.getBlob(repo, digest)
	return ok
}

func (s *blobStore) putBlob(repo, digest string, b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[strings.TrimPrefix(repo, "v2/")+"@"+digest] = b
}

func (s *blobStore) linkBlob(from, to, digest string) bool {
	b, ok := s.getBlob(from, digest)
	if ok {
		s.putBlob(to, digest, b)
	}
	return ok
}

// Get implements registry.BlobHandler.
func (s *blobStore) Get(_ context.Context, repo string, h v1.Hash) (io.ReadCloser, error) {
	b, ok := s.getBlob(repo, h.String())
	if !ok {
		return nil, registry.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// Put implements registry.BlobPutHandler.
func (s *blobStore) Put(_ context.Context, repo string, h v1.Hash, rc io.ReadCloser) error {
	defer rc.Close()
	b, err := io.ReadAll(rc)
	if err != nil {
		return err
	}
	// Of an upload the handler names the repository with a "blobs" too many.
	s.putBlob(strings.TrimSuffix(repo, "/blobs"), h.String(), b)
	return nil
}
