package registrytest

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Server is a running registry.
type Server struct {
	*httptest.Server
	// Host is host:port.
	Host string

	store  *blobStore
	inner  http.Handler
	opts   options
	mu     sync.Mutex
	faults []*Fault
	log    []string
	sent   int64
	got    int64
}

type options struct {
	tls, noMount, noRange, noHead bool
	referrers                     bool
	user, password                string
	bearer                        bool
	tokenUses                     int
}

// Option changes how a server behaves.
type Option func(*options)

// WithTLS serves https; see [Server.CAFile].
func WithTLS() Option { return func(o *options) { o.tls = true } }

// WithBasicAuth asks for a user and password.
func WithBasicAuth(user, password string) Option {
	return func(o *options) { o.user, o.password = user, password }
}

// WithBearerAuth asks for a token, which the same server gives for a user and
// password. A token is good for uses requests; 0 means for ever.
func WithBearerAuth(user, password string, uses int) Option {
	return func(o *options) { o.user, o.password, o.bearer, o.tokenUses = user, password, true, uses }
}

// WithoutMount refuses to link blobs from other repositories.
func WithoutMount() Option { return func(o *options) { o.noMount = true } }

// WithoutRange ignores Range.
func WithoutRange() Option { return func(o *options) { o.noRange = true } }

// WithoutHead answers 405 to every HEAD.
func WithoutHead() Option { return func(o *options) { o.noHead = true } }

// WithReferrers serves the referrers API.
func WithReferrers() Option { return func(o *options) { o.referrers = true } }

// NewServer starts a registry that ends with the test.
func NewServer(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := &Server{store: &blobStore{blobs: map[string][]byte{}}}
	for _, o := range opts {
		o(&s.opts)
	}
	s.inner = registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithBlobHandler(s.store), registry.WithReferrersSupport(s.opts.referrers))
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.handleRequest))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if s.opts.tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	s.Host = s.Listener.Addr().String()
	return s
}

// CAFile writes the certificate of a server with TLS to a file.
func (s *Server) CAFile(t testing.TB) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "ca.pem")
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(p, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// RequestLog lists the requests so far as "METHOD path", without the /v2/ prefix and
// without the query.
func (s *Server) RequestLog() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.log...)
}

// CountRequests counts the requests so far that match the expression.
func (s *Server) CountRequests(expr string) int {
	re, n := regexp.MustCompile(expr), 0
	for _, l := range s.RequestLog() {
		if re.MatchString(l) {
			n++
		}
	}
	return n
}

// ResetLog forgets the requests and byte counts so far.
func (s *Server) ResetLog() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log, s.sent, s.got = nil, 0, 0
}

// BytesServed counts the bytes of blobs that were handed out.
func (s *Server) BytesServed() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// BytesReceived counts the bytes of request bodies.
func (s *Server) BytesReceived() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// HasBlob reports whether the store has the blob.
func (s *Server) HasBlob(repo, digest string) bool { return s.store.hasBlob(repo, digest) }

// handleRequest is the order in which a real registry decides: fault of the network,
// login, then the content.
func (s *Server) handleRequest(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		s.handleToken(w, r)
		return
	}
	line := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/v2/")
	s.mu.Lock()
	s.log = append(s.log, line)
	s.mu.Unlock()
	r.Body = &countedBody{r.Body, s}
	f := s.matchFault(line)
	if f != nil && f.writeError(w) {
		return
	}
	if !s.isAllowed(w, r) {
		return
	}
	switch {
	case f == nil:
	case f.TakeOnly > 0:
		f.cutRequest(r)
	case f.Delay > 0:
		w = f.delayResponse(w)
	}
	if f != nil && f.manglesBody() {
		w = &mangler{ResponseWriter: w, f: f}
	}
	s.handleContent(w, r)
}

func (s *Server) handleContent(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodHead && s.opts.noHead:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.Method == http.MethodPost && r.URL.Query().Get("mount") != "":
		s.handleMount(w, r)
	case r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "/uploads/"):
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/"):
		s.putManifest(w, r)
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:"):
		s.getBlob(w, r)
	default:
		s.inner.ServeHTTP(w, r)
	}
}

func repoOf(p string) string {
	p = strings.TrimPrefix(p, "/v2/")
	for _, cut := range []string{"/blobs/", "/manifests/"} {
		if i := strings.LastIndex(p, cut); i >= 0 {
			return p[:i]
		}
	}
	return p
}

func (s *Server) handleMount(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	repo := repoOf(r.URL.Path)
	if s.opts.noMount || !s.store.linkBlob(q.Get("from"), repo, q.Get("mount")) {
		r.URL.RawQuery = ""
		s.inner.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Location", "/v2/"+repo+"/blobs/"+q.Get("mount"))
	w.WriteHeader(http.StatusCreated)
}

// putManifest refuses a manifest whose blobs are missing, as distribution does.
func (s *Server) putManifest(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	node, err := images.ParseManifest(raw, r.Header.Get("Content-Type"))
	if err == nil {
		for _, b := range node.Blobs {
			if !s.store.hasBlob(repoOf(r.URL.Path), b.Digest) {
				http.Error(w, `{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown to registry"}]}`, http.StatusBadRequest)
				return
			}
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	s.inner.ServeHTTP(w, r)
}

func (s *Server) getBlob(w http.ResponseWriter, r *http.Request) {
	digest := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	b, ok := s.store.getBlob(repoOf(r.URL.Path), digest)
	if !ok {
		http.Error(w, `{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry"}]}`, http.StatusNotFound)
		return
	}
	var from int64
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err != nil || s.opts.noRange || from > int64(len(b)) {
		from = 0
	}
	w.Header().Set("Content-Length", fmt.Sprint(int64(len(b))-from))
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(b)-1, len(b)))
		w.WriteHeader(http.StatusPartialContent)
	}
	// In pieces, so that what was handed out before a break is counted well.
	for rest := b[from:]; len(rest) > 0; {
		n, err := w.Write(rest[:min(4096, len(rest))])
		s.mu.Lock()
		s.sent += int64(n)
		s.mu.Unlock()
		if err != nil {
			return
		}
		rest = rest[n:]
	}
}

type countedBody struct {
	io.ReadCloser
	s *Server
}

// Read implements io.Reader.
func (c *countedBody) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.s.mu.Lock()
	c.s.got += int64(n)
	c.s.mu.Unlock()
	return n, err
}
