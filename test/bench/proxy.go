package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// proxy counts what goes to a registry, and can be a slow line.
type proxy struct {
	host     string
	requests atomic.Int64
	bytes    atomic.Int64

	delay time.Duration
	rate  int64 // bytes a second, 0 for no limit
	mu    sync.Mutex
	free  time.Time
	close func() error
}

func startProxy(target string, delay time.Duration, rate int64) (*proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{host: l.Addr().String(), delay: delay, rate: rate}
	rp := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: target})
	rp.ModifyResponse = func(r *http.Response) error {
		r.Body = p.count(r.Body)
		return nil
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.requests.Add(1)
		time.Sleep(p.delay)
		r.Body = p.count(r.Body)
		rp.ServeHTTP(w, r)
	})}
	p.close = srv.Close
	go func() { _ = srv.Serve(l) }()
	return p, nil
}

func (p *proxy) count(rc io.ReadCloser) io.ReadCloser {
	if rc == nil || rc == http.NoBody {
		return rc
	}
	return &counted{rc, p}
}

type counted struct {
	io.ReadCloser
	p *proxy
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	if c.p.rate > 0 {
		b = b[:min(len(b), 16<<10)]
	}
	n, err := c.ReadCloser.Read(b)
	c.p.bytes.Add(int64(n))
	c.p.wait(int64(n))
	return n, err
}

// wait lets n bytes pass the line, which all connections share.
func (p *proxy) wait(n int64) {
	if p.rate == 0 || n == 0 {
		return
	}
	p.mu.Lock()
	now := time.Now()
	if p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
	until := p.free
	p.mu.Unlock()
	time.Sleep(time.Until(until))
}
