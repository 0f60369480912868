package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

// apiProxy stands between one program and the API server.
type apiProxy struct {
	// config is a kubeconfig that leads through the proxy.
	config string
	server *httptest.Server
	target http.Handler

	mu     sync.Mutex
	before func(*http.Request)
	cut    chan struct{} // closed once the network is cut
	healed chan struct{} // closed once it is back
}

// proxy shows each request to before, one at a time, before it is sent on.
func (s *site) proxy(before func(*http.Request)) *apiProxy {
	s.t.Helper()
	target, err := url.Parse(s.env["LAB_APISERVER"])
	if err != nil {
		s.t.Fatal(err)
	}
	reverse := httputil.NewSingleHostReverseProxy(target)
	reverse.FlushInterval = -1 // watches
	reverse.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	reverse.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {}
	p := &apiProxy{target: reverse, before: before, cut: make(chan struct{}), healed: make(chan struct{})}
	p.server = httptest.NewTLSServer(p)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	dir, err := os.MkdirTemp(s.dir, "proxied-")
	if err != nil {
		s.t.Fatal(err)
	}
	p.config = filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: lab\ncontexts: [{name: lab, context: {cluster: lab, user: lab}}]\n"+
		"clusters: [{name: lab, cluster: {server: %q, certificate-authority-data: %s}}]\nusers: [{name: lab, user: {token: %q}}]\n",
		p.server.URL, base64.StdEncoding.EncodeToString(authority), s.env["LAB_TOKEN"])
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return p
}

// ServeHTTP implements [http.Handler].
func (p *apiProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	if isClosed(p.cut) {
		p.mu.Unlock()
		p.drop(r)
		p.mu.Lock()
	}
	if r.Method != http.MethodGet { // a watch would never end
		// It arrives whatever becomes of the program meanwhile, as one does that
		// was under way. The context can be cancelled, and is not: for one without
		// an end the proxy would watch the dead client's connection instead.
		body, _ := io.ReadAll(r.Body)
		ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	p.before(r)
	p.mu.Unlock()
	p.target.ServeHTTP(&cutWriter{w, p, r}, r)
}

// drop is what becomes of a request, or of its answer, while the network is cut:
// nobody hears of it, and its connection is dead when the network is back. What
// comes after that passes.
func (p *apiProxy) drop(r *http.Request) {
	if isClosed(p.healed) {
		return
	}
	select {
	case <-p.healed:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}

// cutWriter passes an answer on unless the network is cut.
type cutWriter struct {
	http.ResponseWriter
	proxy   *apiProxy
	request *http.Request
}

// WriteHeader implements [http.ResponseWriter].
func (w *cutWriter) WriteHeader(code int) {
	w.wait()
	w.ResponseWriter.WriteHeader(code)
}

// Write implements [http.ResponseWriter].
func (w *cutWriter) Write(b []byte) (int, error) {
	w.wait()
	return w.ResponseWriter.Write(b)
}

func (w *cutWriter) wait() {
	if isClosed(w.proxy.cut) {
		w.proxy.drop(w.request)
	}
}

// Unwrap is for [http.ResponseController].
func (w *cutWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func (p *apiProxy) close() {
	p.server.CloseClientConnections()
	p.server.Close()
}
