package bundle

import (
	"bytes"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"
	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func keyPair(t *testing.T) (private, public []byte) {
	t.Helper()
	pub, priv, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if public, err = pub.MarshalText(); err != nil {
		t.Fatal(err)
	}
	if private, err = priv.MarshalText(); err != nil {
		t.Fatal(err)
	}
	return private, public
}

func TestSign(t *testing.T) {
	t.Parallel()
	s := newSite(t, 1000)
	b := s.createBundle(t, s.spec)
	other := s.createBundle(t, Spec{Images: s.spec.Images[:1]})
	private, public := keyPair(t)
	_, stranger := keyPair(t)
	sig, err := Sign(b, private, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifySignature(b, public, sig); err != nil {
		t.Error(err)
	}
	var se *SignatureError
	if err := VerifySignature(other, public, sig); !errors.As(err, &se) {
		t.Errorf("of another bundle: %v", err)
	}
	if err := VerifySignature(b, stranger, sig); !errors.As(err, &se) {
		t.Errorf("by another key: %v", err)
	}
	if err := VerifySignature(b, public, sig[:40]); err == nil {
		t.Error("half a signature was accepted")
	}
	if tampered := bytes.Replace(sig, []byte(b.Digest()[7:17]), []byte("0123456789"), 1); VerifySignature(b, public, tampered) == nil {
		t.Error("a changed trusted comment was accepted")
	}
}

// Deriving a key from a password takes a second and much memory on purpose.
func TestExportImage(t *testing.T) {
	t.Parallel()
	s := newSite(t, 5000)
	b := s.createBundle(t, s.spec)
	for _, e := range b.Images() {
		p := filepath.Join(t.TempDir(), "image.tar")
		if err := ExportImage(t.Context(), b, e.Ref, p); err != nil {
			t.Fatal(err)
		}
		l, err := scanLayout(p, memoryStorage(readFile(t, p)))
		if err != nil {
			t.Fatal(err)
		}
		for _, en := range l.entries[2:] {
			body := readFile(t, p)[en.offset : en.offset+en.blob.Size]
			if images.DigestOf(body) != en.blob.Digest {
				t.Errorf("%s: entry %s holds other bytes", e.Ref, en.name)
			}
		}
		if !bytes.Contains(readFile(t, p)[l.entries[1].offset:], []byte(e.Digest)) {
			t.Errorf("%s: its digest is not in the index", e.Ref)
		}
	}
	if err := ExportImage(t.Context(), b, mustParseRef(t, "quay.io/none:v1"), filepath.Join(t.TempDir(), "x")); err == nil {
		t.Error("an image that is not there was exported")
	}
}

func TestOpenRemote(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2000)
	b := s.createBundle(t, s.spec)
	dst := registrytest.NewServer(t)
	c := newClient(t, dst)
	if _, err := pushBundle(t, b, c, dst.Host, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	at := mustParseRef(t, dst.Host+"/mirror/charts/"+ManifestName+":"+b.Tag())
	r, err := OpenRemote(t.Context(), c, at)
	if err != nil {
		t.Fatal(err)
	}
	if r.Digest() != b.Digest() {
		t.Errorf("digest %s, the file has %s", r.Digest(), b.Digest())
	}
	if diff := cmp.Diff(b.Manifest(), r.Manifest()); diff != "" {
		t.Error(diff)
	}
	for _, want := range s.spec.Charts {
		if got, err := r.Chart(want.Name, want.Version); err != nil || !bytes.Equal(got, want.Data) {
			t.Errorf("chart %s: %v", want.Name, err)
		}
	}
	if _, err := r.Chart("aistor-operator", "1.2.3"); err == nil {
		t.Error("a chart that is not there was returned")
	}
	var fe *FormatError
	if _, err := OpenRemote(t.Context(), c, mustParseRef(t, dst.Host+"/mirror/aistor/mc:RELEASE.C")); !errors.As(err, &fe) {
		t.Errorf("an image as a bundle: %v", err)
	}
	raw, mediaType, _, err := c.Manifest(t.Context(), at)
	moved := at
	moved.Tag = "0123456789abcdef"
	if err == nil {
		err = c.PutManifest(t.Context(), moved, mediaType, raw)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenRemote(t.Context(), c, moved)
	if !errors.As(err, &fe) || strings.Contains(fe.Error(), "at byte") || !strings.Contains(fe.Hint(), "tag") {
		t.Errorf("under the tag of another bundle: %v", err)
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	s := newSite(t, 30_000)
	dst := registrytest.NewServer(t, registrytest.WithoutMount())
	s.InjectFault(registrytest.Fault{Match: `^GET .*blobs`, Skip: 2, Times: 2, BreakAfter: 900})
	c, d := newClient(t, s.Server), newClient(t, dst)
	spec := s.spec
	spec.Platforms, spec.Images = []string{"linux/amd64"}, append(s.spec.Images, s.spec.Images[0])
	src, err := NewDirectSource(t.Context(), spec, c, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := images.Mirror{Registry: dst.Host}
	receipt, err := images.Push(t.Context(), src, d, m, images.PushOptions{NoCharts: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(receipt.Artifacts) != 3 || receipt.PushedCount() != 3 {
		t.Errorf("receipt %+v", receipt)
	}
	for _, a := range receipt.Artifacts {
		got, err := d.Resolve(t.Context(), mustParseRef(t, a.Destination))
		if err != nil || got.Digest != a.Digest {
			t.Errorf("%s: %v, %v", a.Destination, got, err)
		}
	}
}
