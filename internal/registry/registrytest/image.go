package registrytest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"net/http"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// NewLayer makes n bytes that compress badly and depend on the seed alone.
func NewLayer(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

// AddBlob puts a blob into a repository behind the registry's back.
func (s *Server) AddBlob(repo string, b []byte) images.Descriptor {
	d := images.DigestOf(b)
	s.store.putBlob(repo, d, b)
	return images.Descriptor{MediaType: "application/vnd.oci.image.layer.v1.tar", Digest: d, Size: int64(len(b))}
}

// AddManifest puts a manifest under a tag ("" for its digest only).
func (s *Server) AddManifest(t testing.TB, repo, tag, mediaType string, manifest any) images.Descriptor {
	t.Helper()
	raw, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	d := images.Descriptor{MediaType: mediaType, Digest: images.DigestOf(raw), Size: int64(len(raw))}
	if tag == "" {
		tag = d.Digest
	}
	req, _ := http.NewRequest(http.MethodPut, "/v2/"+repo+"/manifests/"+tag, strings.NewReader(string(raw)))
	req.Header.Set("Content-Type", mediaType)
	w := newRecorder()
	s.inner.ServeHTTP(w, req)
	if w.code >= 300 {
		t.Fatalf("adding manifest to %s:%s: %d", repo, tag, w.code)
	}
	return d
}

type recorder struct {
	code int
	h    http.Header
}

func newRecorder() *recorder                    { return &recorder{code: 200, h: http.Header{}} }
func (r *recorder) Header() http.Header         { return r.h }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(code int)        { r.code = code }

// AddImage puts an image of one platform into a repository.
func (s *Server) AddImage(t testing.TB, repo, tag, platform string, layers ...[]byte) images.Descriptor {
	t.Helper()
	os, arch, _ := strings.Cut(platform, "/")
	cfg := s.AddBlob(repo, fmt.Appendf(nil, `{"architecture":%q,"os":%q,"config":{"Labels":{"repo":%q,"tag":%q}},"rootfs":{"type":"layers","diff_ids":[]}}`, arch, os, repo, tag))
	cfg.MediaType = "application/vnd.oci.image.config.v1+json"
	var ls []images.Descriptor
	for _, l := range layers {
		ls = append(ls, s.AddBlob(repo, l))
	}
	return s.AddManifest(t, repo, tag, images.MediaTypeOCIManifest, map[string]any{
		"schemaVersion": 2, "mediaType": images.MediaTypeOCIManifest, "config": cfg, "layers": ls,
	})
}

// AddIndex puts an index of images, one a platform, each with its own layer
// beside the shared ones, and with an attestation as builders add them.
func (s *Server) AddIndex(t testing.TB, repo, tag string, platforms []string, shared ...[]byte) images.Descriptor {
	t.Helper()
	var children []map[string]any
	for i, p := range platforms {
		own := NewLayer(uint64(len(repo)*1000+i), 3000+i)
		d := s.AddImage(t, repo, "", p, append(shared[:len(shared):len(shared)], own)...)
		os, arch, _ := strings.Cut(p, "/")
		children = append(children, child(d, os, arch))
	}
	att := s.AddImage(t, repo, "", "unknown/unknown", []byte("attestation of "+repo))
	children = append(children, child(att, "unknown", "unknown"))
	return s.AddManifest(t, repo, tag, images.MediaTypeOCIIndex, map[string]any{
		"schemaVersion": 2, "mediaType": images.MediaTypeOCIIndex, "manifests": children,
	})
}

func child(d images.Descriptor, os, arch string) map[string]any {
	return map[string]any{
		"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size,
		"platform": map[string]string{"os": os, "architecture": arch},
	}
}

// AddReferrer puts an artifact that names subject, and, as clients do where
// the registry has no API for that, its list under a tag.
func (s *Server) AddReferrer(t testing.TB, repo string, subject images.Descriptor, artifactType string, content []byte) images.Descriptor {
	t.Helper()
	empty := s.AddBlob(repo, []byte("{}"))
	empty.MediaType = "application/vnd.oci.empty.v1+json"
	layer := s.AddBlob(repo, content)
	d := s.AddManifest(t, repo, "", images.MediaTypeOCIManifest, map[string]any{
		"schemaVersion": 2, "mediaType": images.MediaTypeOCIManifest, "artifactType": artifactType,
		"config": empty, "layers": []any{layer}, "subject": subject, "annotations": map[string]string{"test": artifactType},
	})
	if !s.opts.referrers {
		s.AddManifest(t, repo, images.ReferrersTag(subject.Digest), images.MediaTypeOCIIndex, map[string]any{
			"schemaVersion": 2, "mediaType": images.MediaTypeOCIIndex, "manifests": []any{map[string]any{
				"mediaType": d.MediaType, "digest": d.Digest, "size": d.Size, "artifactType": artifactType,
			}},
		})
	}
	return d
}

// AddCosign puts a signature where cosign does: under a tag made of the digest.
func (s *Server) AddCosign(t testing.TB, repo string, subject images.Descriptor, content []byte) images.Descriptor {
	t.Helper()
	config := s.AddBlob(repo, []byte(`{"architecture":"","os":""}`))
	config.MediaType = "application/vnd.oci.image.config.v1+json"
	layer := s.AddBlob(repo, content)
	layer.MediaType = "application/vnd.dev.cosign.simplesigning.v1+json"
	return s.AddManifest(t, repo, images.ReferrersTag(subject.Digest)+".sig", images.MediaTypeOCIManifest, map[string]any{
		"schemaVersion": 2, "mediaType": images.MediaTypeOCIManifest, "config": config, "layers": []any{layer},
	})
}
