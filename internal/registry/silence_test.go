package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
	"github.com/aistor-upgrade/aistor-upgrade/internal/registry/registrytest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// soon is a silence that ends a request in these tests: all but the requests
// that it ends are tried again.
const soon = 250 * time.Millisecond

// silences are ways in which an answer does not end.
var silences = []string{"never comes", "stops in the middle", "drips"}

// silentFront stands before inner, and spoils its answers to what matches.
func silentFront(t *testing.T, inner http.Handler, match, how string) string {
	t.Helper()
	ended, spoilt := make(chan struct{}), regexp.MustCompile(match)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !spoilt.MatchString(r.Method + " " + r.URL.Path) {
			inner.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if how == "never comes" {
			<-ended
			return
		}
		rec := httptest.NewRecorder()
		inner.ServeHTTP(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", fmt.Sprint(1000+rec.Body.Len()))
		w.WriteHeader(rec.Code)
		flush := func() { _ = http.NewResponseController(w).Flush() }
		flush()
		if how == "stops in the middle" {
			_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
			flush()
			<-ended
			return
		}
		for {
			select {
			case <-ended:
				return
			case <-time.After(soon / 5):
				_, _ = w.Write([]byte(" "))
				flush()
			}
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(ended) })
	return strings.TrimPrefix(s.URL, "http://")
}

// Wherever an answer does not end, the request does, and names who was silent.
func TestNoSilenceOfARegistryLastsForEver(t *testing.T) {
	t.Parallel()
	body := registrytest.NewLayer(5, 50_000)
	digest := images.DigestOf(body)
	manifest := func(ctx context.Context, c *Client, host string) error {
		_, _, _, err := c.Manifest(ctx, images.Ref{Host: host, Path: "a/b", Tag: "v1"})
		return err
	}
	head := func(ctx context.Context, c *Client, host string) error {
		_, _, err := c.Find(ctx, images.Ref{Host: host, Path: "a/b", Tag: "v1"})
		return err
	}
	missing := func(ctx context.Context, c *Client, host string) error {
		_, _, _, err := c.Manifest(ctx, images.Ref{Host: host, Path: "a/b", Tag: "none"})
		return err
	}
	referrers := func(ctx context.Context, c *Client, host string) error {
		_, err := c.Referrers(ctx, images.Ref{Host: host, Path: "a/b"}, digest)
		return err
	}
	download := func(ctx context.Context, c *Client, host string) error {
		rc, _, err := c.OpenBlob(ctx, images.Ref{Host: host, Path: "a/b"}, digest, 0)
		if err != nil {
			return err
		}
		defer rc.Close()
		_, err = io.Copy(io.Discard, rc)
		return err
	}
	push := func(ctx context.Context, c *Client, host string) error {
		open := func(int64) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		_, err := c.PushBlob(ctx, images.Ref{Host: host, Path: "c/d"}, Descriptor{Digest: digest, Size: int64(len(body))}, open, []string{"x/y"})
		return err
	}
	putManifest := func(ctx context.Context, c *Client, host string) error {
		return c.PutManifest(ctx, images.Ref{Host: host, Path: "c/d", Tag: "v1"}, images.MediaTypeOCIIndex, []byte(`{"schemaVersion":2,"manifests":[]}`))
	}
	for _, c := range []struct {
		name, match string
		ask         func(context.Context, *Client, string) error
		hows        []string
	}{
		{"the first contact", "GET /v2/$", manifest, silences[:1]},
		{"a token", "/token", manifest, silences},
		{"a manifest", "GET .*manifests/v1", manifest, silences},
		{"a HEAD", "HEAD .*manifests", head, silences[:1]},
		{"an error", "GET .*manifests/none", missing, silences},
		{"a list of referrers", "referrers", referrers, silences},
		{"a blob", "GET .*blobs/sha256", download, silences},
		{"whether a blob is there", "HEAD .*blobs", push, silences[:1]},
		{"a mount", "POST .*uploads", push, silences[:1]},
		{"an upload", "PUT .*uploads", push, silences[:1]},
		{"a manifest that was pushed", "PUT .*manifests", putManifest, silences[:1]},
	} {
		for _, how := range c.hows {
			t.Run(c.name+" "+how, func(t *testing.T) {
				t.Parallel()
				s := registrytest.NewServer(t, registrytest.WithBearerAuth("u", "p", 0), registrytest.WithReferrers())
				s.AddBlob("a/b", body)
				s.AddIndex(t, "a/b", "v1", []string{"linux/amd64"})
				host := silentFront(t, s.Config.Handler, c.match, how)
				s.URL = "http://" + host // where tokens are
				var mu sync.Mutex
				var told []httptimeout.Silence
				client, err := New(Options{
					PlainHTTP: []string{host}, Wait: (&waitRecorder{}).recordWait, Credentials: map[string]Credential{host: {"u", "p"}},
					Limits: httptimeout.Limits{Silence: soon, FirstByte: 2 * soon, Notice: soon / 10},
					OnSilence: func(s httptimeout.Silence) {
						mu.Lock()
						defer mu.Unlock()
						told = append(told, s)
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				err = c.ask(t.Context(), client, host)
				if KindOf(err) != Unreachable || !strings.Contains(err.Error(), "no response from "+host) {
					t.Errorf("received: %v", err)
				}
				if took := time.Since(began); took > time.Minute {
					t.Errorf("it took %s", took)
				}
				mu.Lock()
				defer mu.Unlock()
				if !slices.ContainsFunc(told, func(s httptimeout.Silence) bool {
					return s.Server == host && regexp.MustCompile(c.match).MatchString(s.Request)
				}) {
					t.Errorf("told: %+v", told)
				}
			})
		}
	}
}

// Storage that a registry sends to has the time that content has.
func TestContentBehindARedirectIsScannedToo(t *testing.T) {
	t.Parallel()
	body := registrytest.NewLayer(5, 1000)
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(2 * stall)
		_, _ = w.Write(body)
	}))
	t.Cleanup(storage.Close)
	s := registrytest.NewServer(t)
	s.InjectFault(registrytest.Fault{Match: "blobs", Status: 307, Header: http.Header{"Location": {storage.URL + "/x"}}})
	c := newClient(t, s, func(o *Options) {
		o.Limits.Silence, o.PlainHTTP = stall, append(o.PlainHTTP, strings.TrimPrefix(storage.URL, "http://"))
	})
	rc, _, err := c.OpenBlob(t.Context(), mustParseRef(t, s.Host+"/a/b"), images.DigestOf(body), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if b, err := io.ReadAll(rc); err != nil || !bytes.Equal(b, body) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// A credential helper that waits for ever is named, and not asked again.
func TestACredentialHelperThatDoesNotEnd(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho $$ >> " + dir + "/pids\nexec sleep 600\n"
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-stuck"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pids, _ := os.ReadFile(filepath.Join(dir, "pids"))
		for _, pid := range strings.Fields(string(pids)) {
			_ = exec.Command("kill", "-9", pid).Run()
		}
		if n := len(strings.Fields(string(pids))); n != 1 {
			t.Errorf("the helper was asked %d times", n)
		}
	})
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	s := registrytest.NewServer(t, registrytest.WithBasicAuth("u", "p"))
	config := filepath.Join(dir, "config.json")
	if err := os.WriteFile(config, []byte(fmt.Sprintf(`{"credHelpers":{%q:"stuck"}}`, s.Host)), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, s, func(o *Options) { o.DockerConfigs, o.Limits.FirstByte = []string{config}, soon })
	_, err := c.HasBlob(t.Context(), mustParseRef(t, s.Host+"/a/b"), images.DigestOf(nil))
	var helper *HelperError
	if !errors.As(err, &helper) || !strings.Contains(err.Error(), "no response from the credential helper for "+s.Host) {
		t.Errorf("received: %v", err)
	}
}
