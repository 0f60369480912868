package puller

import (
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
)

var amd64 = v1.Platform{OS: "linux", Architecture: "amd64"}

// private is a registry with TLS and a password, and what it holds.
type private struct {
	host     string
	ca       *x509.CertPool
	requests atomic.Int32
	gone     atomic.Value // a digest whose blob answers 404
}

func newPrivate(t *testing.T) *private {
	t.Helper()
	p := &private{}
	p.gone.Store("")
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		if user, password, _ := r.BasicAuth(); user != "robot" || password != "right" {
			w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if gone := p.gone.Load().(string); gone != "" && strings.HasSuffix(r.URL.Path, gone) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	p.host = strings.TrimPrefix(server.URL, "https://")
	p.ca = x509.NewCertPool()
	p.ca.AddCert(server.Certificate())
	push := []remote.Option{
		remote.WithTransport(server.Client().Transport),
		remote.WithAuth(&authn.Basic{Username: "robot", Password: "right"}),
	}
	image := platformImage(t, amd64, map[string]string{"lab.fail": "crash"})
	if err := remote.Write(p.ref(t, "one:1"), image, push...); err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &amd64}})
	if err := remote.WriteIndex(p.ref(t, "many:1"), index, push...); err != nil {
		t.Fatal(err)
	}
	return p
}

func platformImage(t *testing.T, platform v1.Platform, labels map[string]string) v1.Image {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: platform.OS, Architecture: platform.Architecture, Config: v1.Config{Labels: labels},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: diffIDs(t, image)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func diffIDs(t *testing.T, image v1.Image) []v1.Hash {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return config.RootFS.DiffIDs
}

func (p *private) ref(t *testing.T, s string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(p.host + "/" + s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func (p *private) images(now func() time.Time) *Images {
	return NewImages(NewRegistries(map[string]Endpoint{
		p.host: {Address: p.host, TLS: true}, "alias.example.com": {Address: p.host, TLS: true},
	}, p.ca), now)
}

func keyring(host, password string) *Keyring {
	k := &Keyring{}
	if password != "" {
		k.entries = []entry{{host, Credential{"robot", password}}}
	}
	return k
}

func TestImagesGet(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	tests := map[string]struct {
		image, password string
		platform        v1.Platform
		policy          corev1.PullPolicy
		reason, says    string
	}{
		"an image with the right password":  {image: "HOST/one:1", password: "right", platform: amd64},
		"an index with the platform":        {image: "HOST/many:1", password: "right", platform: amd64},
		"an index without the platform":     {image: "HOST/many:1", password: "right", platform: v1.Platform{OS: "linux", Architecture: "arm64"}, reason: "ErrImagePull", says: "no match for platform in manifest"},
		"a wrong password":                  {image: "HOST/one:1", password: "wrong", platform: amd64, reason: "ErrImagePull", says: "401 Unauthorized"},
		"no password":                       {image: "HOST/one:1", platform: amd64, reason: "ErrImagePull", says: "no basic auth credentials"},
		"a tag that is not there":           {image: "HOST/one:2", password: "right", platform: amd64, reason: "ErrImagePull", says: "HOST/one:2: not found"},
		"a registry outside":                {image: "quay.io/minio/minio:1", platform: amd64, reason: "ErrImagePull", says: "lookup quay.io: no such host"},
		"a name that is none":               {image: "HOST/one:", platform: amd64, reason: "InvalidImageName", says: "couldn't parse image name"},
		"policy Never and nothing pulled":   {image: "HOST/one:1", password: "right", platform: amd64, policy: corev1.PullNever, reason: "ErrImageNeverPull", says: "pull policy of Never"},
		"a password for another host's key": {image: "alias.example.com/one:1", password: "right", platform: amd64, reason: "ErrImagePull", says: "no basic auth credentials"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			fill := strings.NewReplacer("HOST", p.host).Replace
			got, err := p.images(time.Now).Get(t.Context(), Request{
				Node: "n", Platform: tt.platform, Image: fill(tt.image), Policy: tt.policy, Keyring: keyring(p.host, tt.password),
			})
			if tt.reason == "" {
				if err != nil || !strings.HasPrefix(got.ID, p.host+"/") || got.Labels[FailLabel] != "crash" {
					t.Errorf("got %+v, error %v", got, err)
				}
				return
			}
			failure, ok := err.(*PullError)
			if !ok || failure.Reason != tt.reason || !strings.Contains(failure.Message, fill(tt.says)) {
				t.Errorf("got %v, want reason %s and %q in it", err, tt.reason, fill(tt.says))
			}
		})
	}
}

func TestImagesGetMissesALayer(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	image, err := remote.Image(p.ref(t, "one:1"), remote.WithTransport(transport(p)), remote.WithAuth(&authn.Basic{Username: "robot", Password: "right"}))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	p.gone.Store(manifest.Layers[0].Digest.String())
	_, err = p.images(time.Now).Get(t.Context(), Request{Image: p.host + "/one:1", Platform: amd64, Keyring: keyring(p.host, "right")})
	if err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("got %v", err)
	}
}

func transport(p *private) http.RoundTripper { return NewRegistries(nil, p.ca).client.Transport }

func TestImagesAskOnceForManyPods(t *testing.T) {
	t.Parallel()
	p := newPrivate(t)
	now := time.Now()
	images := p.images(func() time.Time { return now })
	get := func(i int, policy corev1.PullPolicy) {
		t.Helper()
		_, err := images.Get(t.Context(), Request{
			Node: fmt.Sprint("node-", i), Image: p.host + "/one:1", Platform: amd64, Policy: policy, Keyring: keyring(p.host, "right"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	get(0, corev1.PullAlways)
	asked := p.requests.Load()
	for i := range 50 {
		get(i, corev1.PullAlways)
	}
	if got := p.requests.Load(); got != asked {
		t.Errorf("%d requests for 50 more pods within the cache's time", got-asked)
	}
	now = now.Add(cacheFor + time.Second)
	get(0, corev1.PullIfNotPresent)
	if got := p.requests.Load(); got != asked {
		t.Error("a node asks for what it has")
	}
	get(0, corev1.PullAlways)
	if got := p.requests.Load(); got == asked {
		t.Error("policy Always does not ask again")
	}
}
