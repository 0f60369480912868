package cli_test

import (
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Signatures take every way that images do: through a file, and straight from
// registry to registry.
func TestCopyReferrersCarriesSignatures(t *testing.T) {
	t.Parallel()
	for name, verb := range map[string]func(s *site){
		"create and push": func(s *site) {
			file := s.createBundle("a.bundle", "--copy-referrers")
			if out := s.mustRun("bundle", "inspect", file); !strings.Contains(out, ".sig") || !strings.Contains(out, "application/spdx+json") {
				t.Errorf("inspect:\n%s", out)
			}
			s.mustRun(s.toPrivate("push", file)...)
		},
		"copy": func(s *site) { s.mustRun(s.toPrivate(s.connectedFlags("copy", "--copy-referrers")...)...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			const repo = "cache/minio/aistor/operator"
			subject := s.upstream.AddImage(t, repo, "v1", "linux/amd64", []byte("a layer"))
			s.upstream.AddCosign(t, repo, subject, []byte("signature"))
			sbom := s.upstream.AddReferrer(t, repo, subject, "application/spdx+json", []byte("contents"))
			verb(s)
			list := images.ReferrersTag(subject.Digest)
			for what, id := range map[string]string{"cosign's signature": list + `\.sig`, "the list of contents": sbom.Digest, "the list of referrers": list} {
				if s.private.CountRequests("^PUT aistor/operator/manifests/"+id+"$") != 1 {
					t.Errorf("%s was not pushed:\n%s", what, strings.Join(s.private.RequestLog(), "\n"))
				}
			}
		})
	}
}
