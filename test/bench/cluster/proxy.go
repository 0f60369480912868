package main

import (
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
	"strings"
	"sync"
	"time"
)

// proxy stands before the API server, counts what is asked, and notes when a
// watch brought something and when somebody wrote.
type proxy struct {
	server     *httptest.Server
	kubeconfig string

	mu       sync.Mutex
	requests int
	event    time.Time
	waits    []time.Duration
}

func startProxy(dir, target, token string) (*proxy, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	p := &proxy{kubeconfig: filepath.Join(dir, "proxied.kubeconfig")}
	forward := httputil.NewSingleHostReverseProxy(to)
	forward.FlushInterval = -1
	forward.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 64}
	forward.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	forward.ModifyResponse = func(r *http.Response) error {
		if r.Request.URL.Query().Get("watch") != "" {
			r.Body = &watched{r.Body, p}
		}
		return nil
	}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.note(r)
		forward.ServeHTTP(w, r)
	}))
	p.server.EnableHTTP2 = true
	p.server.StartTLS()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
	text := fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: lab\ncontexts: [{name: lab, context: {cluster: lab, user: lab}}]\n"+
		"clusters: [{name: lab, cluster: {server: %q, certificate-authority-data: %s}}]\nusers: [{name: lab, user: {token: %q}}]\n",
		p.server.URL, base64.StdEncoding.EncodeToString(authority), token)
	return p, os.WriteFile(p.kubeconfig, []byte(text), 0o600)
}

func (p *proxy) close() {
	p.server.CloseClientConnections()
	p.server.Close()
}

// note counts a request. The journal is written when a step has ended: how long
// after the last event tells how long the decision took. The lease is renewed
// whatever happens.
func (p *proxy) note(r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests++
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/configmaps/aistor-upgrade-") && !p.event.IsZero() {
		p.waits = append(p.waits, time.Since(p.event))
		p.event = time.Time{}
	}
}

// take returns the number of requests since the last call.
func (p *proxy) take() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.requests
	p.requests = 0
	return n
}

// reactions returns how long after the last event each entry of the journal
// came, since the last call.
func (p *proxy) reactions() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.waits
	p.waits = nil
	return all
}

// watched notes each piece of a watch.
type watched struct {
	io.ReadCloser
	p *proxy
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.ReadCloser.Read(b)
	if n > 0 {
		w.p.mu.Lock()
		w.p.event = time.Now()
		w.p.mu.Unlock()
	}
	return n, err
}
