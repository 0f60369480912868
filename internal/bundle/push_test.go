package bundle

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// sharedBase is the digest of the layer all images of a site share.
func sharedBase(size int) string { return images.DigestOf(registrytest.NewLayer(1, size)) }

func pushBundle(t testing.TB, b *Bundle, c *registry.Client, host string, opts images.PushOptions) (images.Receipt, error) {
	t.Helper()
	m := images.Mirror{Registry: host, Prefix: "mirror", Rules: mappingRules(b)}
	return images.Push(t.Context(), b.Source(), c, m, opts)
}

// mappingRules maps the test registry's own name, which has a port of its own each
// time.
func mappingRules(b *Bundle) []images.Rule {
	e := b.Images()[0]
	return []images.Rule{{From: e.Ref.Host + "/minio/aistor", To: "mirror/aistor"}}
}

func TestPush(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		src, dst []registrytest.Option
		mounts   bool
	}{
		"anonymous over plain http": {nil, nil, true},
		"basic auth":                {nil, []registrytest.Option{registrytest.WithBasicAuth("u", "p")}, true},
		"bearer tokens":             {nil, []registrytest.Option{registrytest.WithBearerAuth("u", "p", 0)}, true},
		"tokens that expire":        {nil, []registrytest.Option{registrytest.WithBearerAuth("u", "p", 3)}, true},
		"without mount":             {nil, []registrytest.Option{registrytest.WithoutMount()}, false},
		"without HEAD":              {[]registrytest.Option{registrytest.WithoutHead()}, []registrytest.Option{registrytest.WithoutHead()}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 60_000, tt.src...)
			b := s.createBundle(t, s.spec)
			dst := registrytest.NewServer(t, tt.dst...)
			c := newClient(t, dst, func(o *registry.Options) {
				o.Credentials = map[string]registry.Credential{dst.Host: {Username: "u", Password: "p"}}
			})
			receipt, err := pushBundle(t, b, c, dst.Host, images.PushOptions{})
			if err != nil {
				t.Fatal(err)
			}
			checkPushed(t, b, c, receipt)
			uploads := dst.CountRequests(`^PUT .*/uploads/`)
			distinct := len(b.layout.entries) - 2 - manifestCount(t, b)
			if tt.mounts && uploads != distinct && name != "tokens that expire" {
				t.Errorf("%d uploads for %d distinct blobs", uploads, distinct)
			}
			dst.ResetLog()
			again, err := pushBundle(t, b, c, dst.Host, images.PushOptions{})
			if err != nil || again.PushedCount() != 0 {
				t.Fatalf("second push: %v, %d pushed", err, again.PushedCount())
			}
			if n := dst.CountRequests(`^(GET|HEAD|PUT|POST) `); name != "without HEAD" && name != "tokens that expire" && n != len(again.Artifacts) {
				t.Errorf("a push with nothing to do took %d requests for %d artifacts: %v", n, len(again.Artifacts), dst.RequestLog())
			}
		})
	}
}

func manifestCount(t testing.TB, b *Bundle) int {
	t.Helper()
	n := len(b.Charts()) + 1
	for _, e := range b.Images() {
		w := &blobWalker{b: b}
		if err := w.walkManifests(images.Descriptor{MediaType: e.MediaType, Digest: e.Digest, Size: e.Size}, 0); err != nil {
			t.Fatal(err)
		}
		n += len(w.manifests)
	}
	return n
}

// checkPushed reads everything back.
func checkPushed(t testing.TB, b *Bundle, c *registry.Client, receipt images.Receipt) {
	t.Helper()
	if len(receipt.Artifacts) != len(b.Images())+len(b.Charts())+1 {
		t.Fatalf("%d artifacts in the receipt", len(receipt.Artifacts))
	}
	for _, a := range receipt.Artifacts {
		if a.Outcome != images.OutcomePushed {
			t.Errorf("%s: %s", a.Source, a.Outcome)
		}
		at := mustParseRef(t, a.Destination)
		tree, err := images.Resolve(t.Context(), c, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		if tree.Top.Digest != a.Digest {
			t.Errorf("%s is %s, want %s", a.Destination, tree.Top.Digest, a.Digest)
		}
		for _, d := range tree.Blobs {
			if ok, err := c.HasBlob(t.Context(), at, d.Digest); !ok || err != nil {
				t.Errorf("%s lacks %s: %v", a.Destination, d.Digest, err)
			}
		}
	}
}

func TestPushMountsSharedBlobs(t *testing.T) {
	t.Parallel()
	const size = 60_000
	s := newSite(t, size)
	b := s.createBundle(t, s.spec)
	dst := registrytest.NewServer(t)
	receipt, err := pushBundle(t, b, newClient(t, dst), dst.Host, images.PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, repo := range []string{"operator", "minio", "mc"} {
		if !dst.HasBlob("mirror/aistor/"+repo, sharedBase(size)) {
			t.Errorf("%s lacks the shared layer", repo)
		}
	}
	var mounted int64
	for _, a := range receipt.Artifacts {
		mounted += a.BytesMounted
	}
	if mounted < 2*size {
		t.Errorf("%d bytes mounted", mounted)
	}
	if got := dst.BytesReceived(); got > b.Size() {
		t.Errorf("%d bytes sent for a bundle of %d", got, b.Size())
	}
}

// What already exists lends its blobs to what is not.
func TestPushMountsFromWhatIsThere(t *testing.T) {
	t.Parallel()
	const size = 60_000
	s := newSite(t, size)
	some, all := s.spec, s.spec
	some.Images = s.spec.Images[:1]
	dst := registrytest.NewServer(t)
	c := newClient(t, dst)
	if _, err := pushBundle(t, s.createBundle(t, some), c, dst.Host, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	dst.ResetLog()
	if _, err := pushBundle(t, s.createBundle(t, all), c, dst.Host, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, l := range dst.RequestLog() {
		if strings.HasPrefix(l, "HEAD") && strings.Contains(l, sharedBase(size)) {
			t.Errorf("the shared layer was asked for instead of mounted: %s", l)
		}
	}
	if got := dst.BytesReceived(); got > 4*size {
		t.Errorf("%d bytes sent, the shared layer again among them", got)
	}
}

func TestPushRefusesATagThatPointsElsewhere(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2000)
	b := s.createBundle(t, s.spec)
	dst := registrytest.NewServer(t)
	old := dst.AddImage(t, "mirror/aistor/mc", "RELEASE.C", "linux/amd64", []byte("older"))
	c := newClient(t, dst)
	dst.ResetLog()
	_, err := pushBundle(t, b, c, dst.Host, images.PushOptions{})
	var ce *images.TagConflictError
	if !errors.As(err, &ce) || ce.Received != old.Digest || ce.Expected == "" || !strings.Contains(err.Error(), old.Digest) {
		t.Fatalf("got %v, want a TagConflictError with both digests", err)
	}
	if n := dst.CountRequests(`^(PUT|POST)`); n != 0 {
		t.Errorf("%d writes before the refusal", n)
	}
	receipt, err := pushBundle(t, b, c, dst.Host, images.PushOptions{OverwriteTags: true})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(receipt.Artifacts, func(a images.ReceiptItem) bool { return a.Replaced == old.Digest }) {
		t.Error("the receipt does not name what was replaced")
	}
}

func TestPushDryRunChangesNothing(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2000)
	b := s.createBundle(t, s.spec)
	dst := registrytest.NewServer(t)
	receipt, err := pushBundle(t, b, newClient(t, dst), dst.Host, images.PushOptions{DryRun: true, NoCharts: true})
	if err != nil {
		t.Fatal(err)
	}
	if n := dst.CountRequests(`^(PUT|POST|PATCH|DELETE)`); n != 0 {
		t.Errorf("%d writes", n)
	}
	if len(receipt.Artifacts) != 3 || receipt.Artifacts[0].Outcome != images.OutcomeMissing || receipt.BytesSent() == 0 {
		t.Errorf("receipt %+v", receipt)
	}
}

func TestPushFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault registrytest.Fault
		kind  registry.Kind
		hint  string
	}{
		"upload forgotten":    {registrytest.Fault{Match: `^PUT .*uploads`, Times: 1, Status: 404, Body: `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}`}, "", ""},
		"not allowed to push": {registrytest.Fault{Match: `^POST`, Status: 403, Body: `{"errors":[{"code":"DENIED","message":"no"}]}`}, registry.Forbidden, "owner"},
		"no such project":     {registrytest.Fault{Match: `^POST`, Status: 404, Body: `{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known"}]}`}, registry.NameUnknown, "--print-repositories"},
		"Harbor's no project": {registrytest.Fault{Match: `^POST`, Status: 401, Body: `{"errors":[{"code":"UNAUTHORIZED","message":"project mirror not found"}]}`}, registry.NameUnknown, "project"},
		"immutable tag":       {registrytest.Fault{Match: `^PUT .*manifests/RELEASE`, Status: 412, Body: `{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}`}, registry.TagImmutable, "tag"},
		"quota":               {registrytest.Fault{Match: `^PUT .*uploads`, Status: 403, Body: `{"errors":[{"code":"DENIED","message":"Quota exceeded when processing the request"}]}`}, registry.Quota, "quota"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 20_000)
			b := s.createBundle(t, s.spec)
			dst := registrytest.NewServer(t)
			dst.InjectFault(tt.fault)
			c := newClient(t, dst)
			receipt, err := pushBundle(t, b, c, dst.Host, images.PushOptions{})
			if tt.kind == "" {
				if err != nil {
					t.Fatal(err)
				}
				checkPushed(t, b, c, receipt)
				return
			}
			var e *registry.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Hint(), tt.hint) {
				t.Fatalf("got %v, want kind %s with hint %q", err, tt.kind, tt.hint)
			}
			if n := dst.CountRequests(`^HEAD .*manifests`); n != len(receipt.Artifacts) {
				t.Errorf("the receipt lists %d artifacts, %d were looked at", len(receipt.Artifacts), n)
			}
			dst.ClearFaults()
			if _, err := pushBundle(t, b, c, dst.Host, images.PushOptions{}); err != nil {
				t.Errorf("push after the fault is gone: %v", err)
			}
		})
	}
}

// A bundle that changes or shrinks while it is pushed ends in an error, never
// in a wrong image.
func TestPushOfABundleThatChanges(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, b *Bundle){
		"a byte": func(t *testing.T, b *Bundle) {
			f, err := os.OpenFile(b.Path(), os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			last := b.layout.entries[len(b.layout.entries)-1]
			if _, err := f.WriteAt([]byte("changed"), last.offset); err != nil {
				t.Fatal(err)
			}
		},
		"its length": func(t *testing.T, b *Bundle) {
			if err := os.Truncate(b.Path(), b.Size()/2); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, 20_000)
			b := s.createBundle(t, s.spec)
			damage(t, b)
			dst := registrytest.NewServer(t)
			_, err := pushBundle(t, b, newClient(t, dst), dst.Host, images.PushOptions{})
			if err == nil {
				t.Fatal("it was pushed")
			}
			if n := dst.CountRequests(`^PUT .*manifests/RELEASE`); n != 0 {
				t.Errorf("%d tags were set all the same", n)
			}
		})
	}
}

func TestDifferenceBundle(t *testing.T) {
	t.Parallel()
	const size = 60_000
	s := newSite(t, size)
	dst := registrytest.NewServer(t)
	c := newClient(t, dst)
	first := s.spec
	first.Images = s.spec.Images[:1]
	if _, err := pushBundle(t, s.createBundle(t, first), c, dst.Host, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	spec := s.spec
	spec.AssumedBlobs = map[string][]string{s.spec.Images[0].Ref.Name(): {sharedBase(size)}}
	b := s.createBundle(t, spec)
	mustVerify(t, b)
	if b.HasBlob(sharedBase(size)) || len(b.Manifest().Assumed) != 1 {
		t.Fatal("the assumed layer is in the bundle")
	}
	if _, err := pushBundle(t, b, c, dst.Host, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	if !dst.HasBlob("mirror/aistor/mc", sharedBase(size)) {
		t.Error("mc lacks the assumed layer")
	}
	empty := registrytest.NewServer(t)
	_, err := pushBundle(t, b, newClient(t, empty), empty.Host, images.PushOptions{})
	var ae *images.AssumedError
	if !errors.As(err, &ae) || ae.Digest != sharedBase(size) {
		t.Errorf("got %v, want an AssumedError", err)
	}
	if n := empty.CountRequests(`^(PUT|POST)`); n != 0 {
		t.Errorf("%d writes before the refusal", n)
	}
}

func TestPushProgressAddsUp(t *testing.T) {
	t.Parallel()
	s := newSite(t, 60_000)
	b := s.createBundle(t, s.spec)
	dst := registrytest.NewServer(t)
	dst.InjectFault(registrytest.Fault{Match: `^PUT .*uploads`, Times: 3, Status: 500})
	events := make(chan images.Event, 1<<16)
	_, err := pushBundle(t, b, newClient(t, dst), dst.Host, images.PushOptions{Progress: func(e images.Event) { events <- e }})
	if err != nil {
		t.Fatal(err)
	}
	close(events)
	var total, done int64
	artifacts := 0
	for e := range events {
		switch e.Kind {
		case images.EventTotal:
			total = e.Bytes
		case images.EventMoved, images.EventSkipped:
			done += e.Bytes
		case images.EventArtifact:
			artifacts++
		}
	}
	if total == 0 || done != total || artifacts != len(b.Images())+len(b.Charts())+1 {
		t.Errorf("%d of %d bytes, %d artifacts", done, total, artifacts)
	}
}

func TestPushedChartsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	s := newSite(t, 2000)
	b := s.createBundle(t, s.spec)
	dst := registrytest.NewServer(t)
	c := newClient(t, dst)
	if _, err := pushBundle(t, b, c, dst.Host, images.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	chart := s.spec.Charts[1]
	at := mustParseRef(t, dst.Host+"/mirror/charts/"+chart.Name+":1.0.16_b1")
	rc, _, err := c.OpenBlob(t.Context(), at, images.DigestOf(chart.Data), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	got, err := io.ReadAll(rc)
	if err != nil || !bytes.Equal(got, chart.Data) {
		t.Errorf("chart came back changed: %v", err)
	}
	m := images.Mirror{Registry: dst.Host, Prefix: "mirror", Rules: mappingRules(b)}
	if got := images.ListRepositories(b.Source(), m, images.PushOptions{}); len(got) != 6 {
		t.Errorf("repositories %v", got)
	}
}
