package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// nobody is an address where nothing listens. That of a server which has ended
// may be another test's already.
const nobody = "127.0.0.1:1"

// stall is taken for one in tests: longer than a busy machine leaves a
// goroutine without its turn.
const stall = time.Second

// waitRecorder records instead of sleeping.
type waitRecorder struct {
	mu   sync.Mutex
	list []time.Duration
}

func (w *waitRecorder) recordWait(_ context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, d)
	return nil
}

func newClient(t testing.TB, s *registrytest.Server, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{PlainHTTP: []string{s.Host}, Wait: (&waitRecorder{}).recordWait}
	for _, c := range change {
		c(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func mustParseRef(t testing.TB, s string) images.Ref {
	t.Helper()
	r, err := images.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func withLogin(s *registrytest.Server, user, password string) func(*Options) {
	return func(o *Options) {
		o.Credentials = map[string]Credential{s.Host: {user, password}}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts   []registrytest.Option
		change func(s *registrytest.Server, o *Options)
		kind   Kind
	}{
		"anonymous":               {},
		"without HEAD":            {opts: []registrytest.Option{registrytest.WithoutHead()}},
		"basic auth":              {[]registrytest.Option{registrytest.WithBasicAuth("u", "p")}, func(s *registrytest.Server, o *Options) { withLogin(s, "u", "p")(o) }, ""},
		"bearer auth":             {[]registrytest.Option{registrytest.WithBearerAuth("u", "p", 0)}, func(s *registrytest.Server, o *Options) { withLogin(s, "u", "p")(o) }, ""},
		"basic without password":  {[]registrytest.Option{registrytest.WithBasicAuth("u", "p")}, nil, Unauthorized},
		"basic, wrong password":   {[]registrytest.Option{registrytest.WithBasicAuth("u", "p")}, func(s *registrytest.Server, o *Options) { withLogin(s, "u", "x")(o) }, Unauthorized},
		"bearer, wrong password":  {[]registrytest.Option{registrytest.WithBearerAuth("u", "p", 0)}, func(s *registrytest.Server, o *Options) { withLogin(s, "u", "x")(o) }, Unauthorized},
		"plain http not allowed":  {nil, func(_ *registrytest.Server, o *Options) { o.PlainHTTP = nil }, PlainHTTP},
		"TLS by an unknown CA":    {[]registrytest.Option{registrytest.WithTLS()}, func(_ *registrytest.Server, o *Options) { o.PlainHTTP = nil }, TLS},
		"TLS by a given CA":       {[]registrytest.Option{registrytest.WithTLS()}, func(s *registrytest.Server, o *Options) { o.PlainHTTP, o.CAFiles = nil, []string{s.CAFile(t)} }, ""},
		"TLS unchecked by name":   {[]registrytest.Option{registrytest.WithTLS()}, func(s *registrytest.Server, o *Options) { o.PlainHTTP, o.SkipTLSVerify = nil, []string{s.Host} }, ""},
		"TLS unchecked elsewhere": {[]registrytest.Option{registrytest.WithTLS()}, func(_ *registrytest.Server, o *Options) { o.PlainHTTP, o.SkipTLSVerify = nil, []string{"example.com"} }, TLS},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := registrytest.NewServer(t, tt.opts...)
			want := s.AddIndex(t, "a/b", "v1", []string{"linux/amd64", "linux/arm64"})
			c := newClient(t, s, func(o *Options) {
				if tt.change != nil {
					tt.change(s, o)
				}
			})
			got, err := c.Resolve(t.Context(), mustParseRef(t, s.Host+"/a/b:v1"))
			if k := KindOf(err); k != tt.kind || (tt.kind == "") != (err == nil) {
				t.Fatalf("kind %q, want %q: %v", k, tt.kind, err)
			}
			if err == nil && (got.Digest != want.Digest || got.MediaType != want.MediaType || got.Size != want.Size) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestAbsence(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	s.AddImage(t, "a/b", "v1", "linux/amd64")
	c := newClient(t, s)
	for _, name := range []string{"/a/b:v2", "/none/such:v1"} {
		r := mustParseRef(t, s.Host+name)
		if _, ok, err := c.Find(t.Context(), r); ok || err != nil {
			t.Errorf("Find(%s) = %v, %v", r, ok, err)
		}
		if _, ok, err := c.HeadManifest(t.Context(), r); ok || err != nil {
			t.Errorf("HeadManifest(%s) = %v, %v", r, ok, err)
		}
		if ok, err := c.HasBlob(t.Context(), r, images.DigestOf([]byte("x"))); ok || err != nil {
			t.Errorf("HasBlob(%s) = %v, %v", r, ok, err)
		}
		if _, err := c.Resolve(t.Context(), r); KindOf(err) != NotFound && KindOf(err) != NameUnknown {
			t.Errorf("Resolve(%s) = %v", r, err)
		}
	}
	if _, ok, err := c.Find(t.Context(), mustParseRef(t, s.Host+"/a/b:v1")); !ok || err != nil {
		t.Errorf("Find = %v, %v", ok, err)
	}
}

// A server that cannot be asked is an error, never an absence.
func TestFailureIsNotAbsence(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 500, 503, 429} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			s := registrytest.NewServer(t)
			s.InjectFault(registrytest.Fault{Match: "manifests|blobs", Status: status})
			c := newClient(t, s)
			r := mustParseRef(t, s.Host+"/a/b:v1")
			if _, ok, err := c.Find(t.Context(), r); ok || err == nil {
				t.Errorf("Find = %v, %v", ok, err)
			}
			if _, ok, err := c.HeadManifest(t.Context(), r); ok || err == nil {
				t.Errorf("HeadManifest = %v, %v", ok, err)
			}
			if ok, err := c.HasBlob(t.Context(), r, images.DigestOf(nil)); ok || err == nil {
				t.Errorf("HasBlob = %v, %v", ok, err)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	s := &registrytest.Server{Host: nobody}
	if err := newClient(t, s).Ping(t.Context(), s.Host); KindOf(err) != Unreachable {
		t.Errorf("got %v", err)
	}
	if _, err := newClient(t, s).Resolve(t.Context(), mustParseRef(t, "no-such-host.invalid/a:b")); KindOf(err) != Unreachable {
		t.Errorf("got %v", err)
	}
}

func TestCancelIsNotRetried(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newClient(t, s).Resolve(ctx, mustParseRef(t, s.Host+"/a:b")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after string
		times int
		kind  Kind
		want  time.Duration
	}{
		"seconds":           {"17", 2, "", 17 * time.Second},
		"longer than sense": {"3600", 1, RateLimited, 0},
		"for ever":          {"1", 0, RateLimited, time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := registrytest.NewServer(t)
			s.AddImage(t, "a/b", "v1", "linux/amd64")
			s.InjectFault(registrytest.Fault{
				Match: "manifests", Times: tt.times, Status: 429,
				Header: http.Header{"Retry-After": {tt.after}},
			})
			w := &waitRecorder{}
			c := newClient(t, s, func(o *Options) { o.Wait = w.recordWait })
			_, ok, err := c.HeadManifest(t.Context(), mustParseRef(t, s.Host+"/a/b:v1"))
			if KindOf(err) != tt.kind || ok != (tt.kind == "") {
				t.Fatalf("%v, %v", ok, err)
			}
			if tt.want > 0 && !slices.Contains(w.list, tt.want) {
				t.Errorf("waited %v, want %v among them", w.list, tt.want)
			}
			if tt.want == 0 && len(w.list) > 0 {
				t.Errorf("waited %v for nothing", w.list)
			}
		})
	}
}

func TestOpenBlobFromAnOffset(t *testing.T) {
	t.Parallel()
	body := registrytest.NewLayer(5, 50_000)
	for name, opts := range map[string][]registrytest.Option{
		"range":    nil,
		"no range": {registrytest.WithoutRange()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := registrytest.NewServer(t, opts...)
			d := s.AddBlob("a/b", body)
			c := newClient(t, s)
			for _, from := range []int64{0, 1, 12_345, 49_999, 50_000} {
				rc, size, err := c.OpenBlob(t.Context(), mustParseRef(t, s.Host+"/a/b"), d.Digest, from)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(rc)
				_ = rc.Close()
				if err != nil || !bytes.Equal(got, body[from:]) || size != int64(len(got)) {
					t.Errorf("from %d: %d bytes of %d, %v", from, len(got), size, err)
				}
			}
		})
	}
}

// The wrong part of a blob must never be taken for the right one.
func TestOpenBlobChecksTheRange(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		w.Header().Set("Content-Range", "bytes 0-3/8")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write([]byte("abcd"))
	}))
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	c, err := New(Options{PlainHTTP: []string{host}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.OpenBlob(t.Context(), mustParseRef(t, host+"/a/b"), images.DigestOf(nil), 4); err == nil || !strings.Contains(err.Error(), "wrong range") {
		t.Errorf("got %v", err)
	}
}

func TestStallEndsADownload(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	d := s.AddBlob("a/b", registrytest.NewLayer(5, 50_000))
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	s.InjectFault(registrytest.Fault{Match: "blobs", BreakAfter: 9000, Stall: release})
	c := newClient(t, s, func(o *Options) { o.Limits.Silence = stall })
	rc, _, err := c.OpenBlob(t.Context(), mustParseRef(t, s.Host+"/a/b"), d.Digest, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	b, err := io.ReadAll(rc)
	if KindOf(err) != Unreachable || !strings.Contains(err.Error(), "no response from") || len(b) != 9000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// A proxy that scans holds back the head and the first byte, and after an upload
// the answer, for longer than a stall may last.
func TestScanningIsNoStall(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	body := registrytest.NewLayer(5, 50_000)
	d := s.AddBlob("a/b", body)
	s.InjectFault(registrytest.Fault{Match: "^(GET|PUT) .*blobs", Delay: 2 * stall})
	c := newClient(t, s, func(o *Options) { o.Limits.Silence = stall })
	rc, _, err := c.OpenBlob(t.Context(), mustParseRef(t, s.Host+"/a/b"), d.Digest, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if b, err := io.ReadAll(rc); err != nil || !bytes.Equal(b, body) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	open := func(int64) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	if got, err := c.PushBlob(t.Context(), mustParseRef(t, s.Host+"/c/d"), d, open, nil); err != nil || got != images.OutcomePushed {
		t.Errorf("pushing: %v, %v", got, err)
	}
	if n := s.CountRequests("^(GET|PUT) .*blobs"); n != 2 {
		t.Errorf("%d requests, something was tried again", n)
	}
}

// A registry that takes no more of an upload.
func TestStallEndsAnUpload(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	s.InjectFault(registrytest.Fault{Match: "^PUT .*uploads", TakeOnly: 9000, Stall: release})
	c := newClient(t, s, func(o *Options) { o.Limits.Silence, o.MaxAttempts = stall, 2 })
	body := registrytest.NewLayer(5, 20_000_000) // more than sockets hold
	d := Descriptor{Digest: images.DigestOf(body), Size: int64(len(body))}
	open := func(int64) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	_, err := c.PushBlob(t.Context(), mustParseRef(t, s.Host+"/a/b"), d, open, nil)
	if KindOf(err) != Unreachable || !strings.Contains(err.Error(), "it accepted no data") {
		t.Errorf("got %v", err)
	}
	if n := s.CountRequests("^PUT .*uploads"); n < 2 || n > 3 {
		t.Errorf("%d attempts", n)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	body := registrytest.NewLayer(5, 1000)
	var leaked atomic.Bool
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			leaked.Store(true)
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(storage.Close)
	at := strings.TrimPrefix(storage.URL, "http://")
	s := registrytest.NewServer(t, registrytest.WithBasicAuth("u", "p"))
	s.InjectFault(registrytest.Fault{Match: "blobs", Status: 307, Header: http.Header{"Location": {storage.URL + "/x?signature=secret"}}})
	r := mustParseRef(t, s.Host+"/a/b")

	_, _, err := newClient(t, s, withLogin(s, "u", "p")).OpenBlob(t.Context(), r, images.DigestOf(body), 0)
	if KindOf(err) != PrivateRedirect || strings.Contains(err.Error(), "secret") {
		t.Errorf("to a private address nobody named: %v", err)
	}
	c := newClient(t, s, withLogin(s, "u", "p"), func(o *Options) { o.PlainHTTP = append(o.PlainHTTP, at) })
	rc, _, err := c.OpenBlob(t.Context(), r, images.DigestOf(body), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if got, err := io.ReadAll(rc); err != nil || !bytes.Equal(got, body) {
		t.Errorf("to an address the user named: %v", err)
	}
	if got := c.ContactedHosts(); !slices.Contains(got, at) || !slices.Contains(got, s.Host) || len(got) != 2 {
		t.Errorf("hosts talked to: %v", got)
	}
	if leaked.Load() {
		t.Error("credentials went along")
	}
}

func TestRealmAtAPrivateAddressIsExplained(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://10.1.2.3/token",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	c, err := New(Options{PlainHTTP: []string{host}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Resolve(t.Context(), mustParseRef(t, host+"/a:b"))
	var e *Error
	if !errors.As(err, &e) || e.Kind != PrivateRedirect || e.Hint() == "" || !strings.Contains(err.Error(), "private or loopback") {
		t.Errorf("got %v", err)
	}
}

func TestMirrors(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	want := s.AddImage(t, "cache/minio/aistor/mc", "v1", "linux/amd64")
	c := newClient(t, s, func(o *Options) {
		o.FetchMirrors = map[string]string{
			"quay.io":       "127.0.0.1:1/wrong",
			"quay.io/minio": s.Host + "/cache/minio",
		}
	})
	got, err := c.Resolve(t.Context(), mustParseRef(t, "quay.io/minio/aistor/mc:v1"))
	if err != nil || got.Digest != want.Digest {
		t.Errorf("got %v, %v", got, err)
	}
	if _, ok, _ := c.HeadManifest(t.Context(), mustParseRef(t, s.Host+"/cache/minio/aistor/mc:v1")); !ok {
		t.Error("a name that no mirror matches did not stay")
	}
	if p := c.fetchEndpoint(mustParseRef(t, "quay.io/miniothers/x:v1")); p.path != "wrong/miniothers/x" {
		t.Errorf("a prefix matched inside of a path element: %+v", p)
	}
}

func TestCanPush(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	c := newClient(t, s)
	r := mustParseRef(t, s.Host+"/a/b")
	if err := c.CanPush(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if n := s.CountRequests("^DELETE .*uploads"); n != 1 {
		t.Errorf("%d uploads cancelled", n)
	}
	s.InjectFault(registrytest.Fault{Match: "^POST", Status: 403})
	if err := c.CanPush(t.Context(), r); KindOf(err) != Forbidden {
		t.Errorf("got %v", err)
	}
}

// What a mirror does not have is looked for in vain at the mirror, so the error
// must name that place, or a wrong --mirror cannot be found out.
func TestErrorsNameTheMirrorThatWasAsked(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	c := newClient(t, s, func(o *Options) { o.FetchMirrors = map[string]string{"quay.io": s.Host + "/cache"} })
	r := mustParseRef(t, "quay.io/minio/aistor/mc:v1")
	digest := "sha256:" + strings.Repeat("0", 64)
	_, _, _, manifestErr := c.Manifest(t.Context(), r)
	_, resolveErr := c.Resolve(t.Context(), r)
	_, _, blobErr := c.OpenBlob(t.Context(), r, digest, 0)
	for want, err := range map[string]error{
		`fetching manifest "quay.io/minio/aistor/mc:v1" at its mirror "` + s.Host + `/cache/minio/aistor/mc:v1"`:               manifestErr,
		`at its mirror "` + s.Host + `/cache/minio/aistor/mc:v1": `:                                                            resolveErr,
		`fetching blob "quay.io/minio/aistor/mc@` + digest + `" at its mirror "` + s.Host + `/cache/minio/aistor/mc@` + digest: blobErr,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	_, _, _, err := c.Manifest(t.Context(), mustParseRef(t, s.Host+"/cache/minio/aistor/mc:v1"))
	if err == nil || strings.Contains(err.Error(), "mirror") {
		t.Errorf("without a mirror: got %v", err)
	}
}
