package bundle

import (
	"slices"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const sbomType = "application/spdx+json"

// newSignedSite is a site whose mc has a signature of cosign's, a list of contents,
// and a signature of that list.
func newSignedSite(t *testing.T, opts ...registrytest.Option) (s *fixtureSite, subject images.Descriptor) {
	t.Helper()
	s = newSite(t, 20_000, opts...)
	const repo = "minio/aistor/mc"
	subject, ok, err := newClient(t, s.Server).Find(t.Context(), mustParseRef(t, s.Host+"/"+repo+":RELEASE.C"))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	s.AddCosign(t, repo, subject, []byte("signature of mc"))
	sbom := s.AddReferrer(t, repo, subject, sbomType, []byte("contents of mc"))
	s.AddReferrer(t, repo, sbom, "application/signature", []byte("signature of the contents"))
	s.spec.Referrers = true
	return s, subject
}

// What belongs to an image goes along, and is found on the airgapped side in the way
// that its registry has.
func TestReferrersAreCarriedAndPushed(t *testing.T) {
	t.Parallel()
	api := []registrytest.Option{registrytest.WithReferrers()}
	tests := map[string]struct{ src, dst []registrytest.Option }{
		"tags on both sides":   {nil, nil},
		"API on both sides":    {api, api},
		"from an API to tags":  {api, nil},
		"from tags to an API":  {nil, api},
		"with expiring tokens": {api, []registrytest.Option{registrytest.WithBearerAuth("u", "p", 3)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, subject := newSignedSite(t, tt.src...)
			b := s.createBundle(t, s.spec)
			mustVerify(t, b)
			if n := len(b.Manifest().Referrers); n != 3 || b.Manifest().MinReader != referrersVersion {
				t.Fatalf("%d referrers, for readers of version %d", n, b.Manifest().MinReader)
			}
			dst := registrytest.NewServer(t, tt.dst...)
			c := newClient(t, dst, withPassword(dst))
			for range 2 {
				if _, err := pushBundle(t, b, c, dst.Host, images.PushOptions{}); err != nil {
					t.Fatal(err)
				}
				checkReferrers(t, c, dst.Host+"/mirror/aistor/mc", subject)
			}
		})
	}
}

// checkReferrers looks for everything that belongs to subject.
func checkReferrers(t *testing.T, f images.Fetcher, repo string, subject images.Descriptor) {
	t.Helper()
	at := mustParseRef(t, repo)
	listed, err := f.Referrers(t.Context(), at, subject.Digest)
	if err != nil || len(listed) != 1 {
		t.Fatalf("referrers %v, %v", listed, err)
	}
	if again, err := f.Referrers(t.Context(), at, listed[0].Digest); err != nil || len(again) != 1 {
		t.Errorf("referrers of the referrer: %v, %v", again, err)
	}
	at.Digest = listed[0].Digest
	if _, err := images.Resolve(t.Context(), f, at, nil); err != nil {
		t.Error(err)
	}
	at.Digest, at.Tag = "", images.ReferrersTag(subject.Digest)+".sig"
	if _, ok, err := f.Find(t.Context(), at); !ok || err != nil {
		t.Errorf("cosign's signature is not there: %v", err)
	}
}

// The site's own entries in a list stay.
func TestReferrersAreAddedToTheListThatIsThere(t *testing.T) {
	t.Parallel()
	s, subject := newSignedSite(t)
	dst := registrytest.NewServer(t)
	own := dst.AddReferrer(t, "mirror/aistor/mc", subject, "application/own", []byte("the site's own"))
	c := newClient(t, dst)
	if _, err := pushBundle(t, s.createBundle(t, s.spec), c, dst.Host, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	listed, err := c.Referrers(t.Context(), mustParseRef(t, dst.Host+"/mirror/aistor/mc"), subject.Digest)
	if err != nil || len(listed) != 2 || !slices.ContainsFunc(listed, func(d images.Descriptor) bool { return d.Digest == own.Digest }) {
		t.Errorf("the list holds %v, %v", listed, err)
	}
}

func TestWithoutAskingNoReferrersAreCarried(t *testing.T) {
	t.Parallel()
	s, _ := newSignedSite(t)
	s.spec.Referrers = false
	s.ResetLog()
	b := s.createBundle(t, s.spec)
	if len(b.Manifest().Referrers) > 0 || b.Manifest().MinReader != firstVersion || s.CountRequests("sha256-|referrers/") > 0 {
		t.Errorf("referrers %v, asked %v", b.Manifest().Referrers, s.RequestLog())
	}
}

// A signature of an index means nothing where one platform's manifest is
// carried in its place: that is said.
func TestSignaturesOfAnIndexThatIsNotCarriedAreNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2000)
	const repo = "minio/aistor/operator"
	index, _, err := newClient(t, s.Server).Find(t.Context(), mustParseRef(t, s.Host+"/"+repo+":RELEASE.A"))
	if err != nil {
		t.Fatal(err)
	}
	s.AddCosign(t, repo, index, []byte("signature"))
	s.spec.Referrers = true
	for platform, want := range map[string]int{"linux/amd64": 1, "": 0} {
		spec := s.spec
		if platform != "" {
			spec.Platforms = []string{platform}
		}
		sum, err := Create(t.Context(), t.TempDir()+"/b.tar", spec, newClient(t, s.Server), CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, w := range sum.Warnings {
			if strings.Contains(w, index.Digest) && strings.Contains(w, "--platform all") {
				n++
			}
		}
		if n != want {
			t.Errorf("platform %q: warnings %q", platform, sum.Warnings)
		}
	}
}

// On from registry to registry.
func TestReferrersOfARemoteBundleGoOn(t *testing.T) {
	t.Parallel()
	s, subject := newSignedSite(t, registrytest.WithReferrers())
	mid, end := registrytest.NewServer(t), registrytest.NewServer(t)
	c := newClient(t, mid)
	b := s.createBundle(t, s.spec)
	if _, err := pushBundle(t, b, c, mid.Host, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	r, err := OpenRemote(t.Context(), c, mustParseRef(t, mid.Host+"/mirror/charts/"+ManifestName+":"+b.Tag()))
	if err != nil {
		t.Fatal(err)
	}
	src := r.WithMirror(images.Mirror{Registry: mid.Host, Prefix: "mirror", Rules: mappingRules(b)}).Source()
	both := newClient(t, end, withPlainHTTP(mid))
	if _, err := images.Push(t.Context(), src, both, images.Mirror{Registry: end.Host, Prefix: "mirror", Rules: mappingRules(b)}, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	checkReferrers(t, both, end.Host+"/mirror/aistor/mc", subject)
}
