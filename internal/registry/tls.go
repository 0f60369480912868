package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
)

// newTransport builds the transport that all requests go through.
func newTransport(o Options) (*hostPolicy, error) {
	conf, err := tlsConfig(o)
	if err != nil {
		return nil, err
	}
	strict := limitSilence(o, baseTransport(o, conf))
	p := &hostPolicy{strict: strict, insecure: strict, plain: o.PlainHTTP, skip: o.SkipTLSVerify, agent: o.UserAgent}
	if len(o.SkipTLSVerify) > 0 {
		lax := conf.Clone()
		lax.InsecureSkipVerify = true //nolint:gosec // only for hosts the user named
		p.insecure = limitSilence(o, baseTransport(o, lax))
	}
	return p, nil
}

func tlsConfig(o Options) (*tls.Config, error) {
	roots, err := rootsWith(o.CAFiles)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if o.ClientCert != "" || o.ClientKey != "" {
		pair, err := tls.LoadX509KeyPair(o.ClientCert, o.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("reading client certificate %q: %w", o.ClientCert, err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}

// rootsWith adds files to the system's roots. Without any it is nil, which means
// the system's as well, but read only once somebody speaks TLS: reading some
// hundred certificates takes as long as a push with nothing to do.
func rootsWith(files []string) (*x509.CertPool, error) {
	if len(files) == 0 {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, f := range files {
		pem, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("reading CA %q: %w", f, err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading CA %q: no certificate in PEM form found", f)
		}
	}
	return roots, nil
}

// baseTransport speaks HTTP/1.1 only: a connection for each blob in flight is
// faster than streams that share one, and costs less CPU.
func baseTransport(o Options, conf *tls.Config) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                 o.Proxy,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:       conf,
		TLSHandshakeTimeout:   30 * time.Second,
		Protocols:             protocols,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		WriteBufferSize:       64 << 10,
		ReadBufferSize:        64 << 10,
		DisableCompression:    true,
	}
}

// hostPolicy decides by the name of the host whether a request may go out.
type hostPolicy struct {
	strict, insecure *httptimeout.Transport
	plain, skip      []string
	agent            string

	mu        sync.Mutex
	contacted map[string]bool
}

// plainHTTPError is returned where plain http would have been spoken with a host
// that was not named for it.
type plainHTTPError struct{ host string }

// Error implements error.
func (e *plainHTTPError) Error() string {
	return fmt.Sprintf("plain HTTP to %q is not allowed", e.host)
}

// Hint names the flag that allows it.
func (e *plainHTTPError) Hint() string {
	return "to use plain HTTP, add --registry-plain-http=" + e.host
}

// httpsError is returned for https to a host that was named for plain http.
type httpsError struct{ host string }

// Error implements error.
func (e *httpsError) Error() string {
	return fmt.Sprintf("%q uses plain http", e.host)
}

// RoundTrip implements http.RoundTripper.
func (p *hostPolicy) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Host
	if err := p.check(r.URL); err != nil {
		return nil, closeWithError(r, err)
	}
	p.recordHost(host)
	r.Header.Set("User-Agent", p.agent)
	if err := resetBody(r); err != nil {
		return nil, err
	}
	if containsHost(p.skip, host) {
		return p.insecure.RoundTrip(r)
	}
	return p.strict.RoundTrip(r)
}

// check is the one rule about plain http, host by host.
func (p *hostPolicy) check(u *url.URL) error {
	plain := containsHost(p.plain, u.Host)
	switch {
	case u.Scheme == "http" && !plain:
		return &plainHTTPError{u.Host}
	case u.Scheme == "https" && plain:
		return &httpsError{u.Host}
	}
	return nil
}

// CheckRequest is for requests that others make through [Client.TransportFor]: it
// holds them to the same rule about plain http as the client's own, and takes
// credentials from one that was redirected to another host, port or scheme.
func (c *Client) CheckRequest(r *http.Request) error {
	if err := c.base.check(r.URL); err != nil {
		return err
	}
	for from := r; from.Response != nil && from.Response.Request != nil; {
		from = from.Response.Request
		if from.URL.Scheme != r.URL.Scheme || from.URL.Host != r.URL.Host {
			r.Header.Del("Authorization")
			r.Header.Del("Cookie")
		}
	}
	return nil
}

func (p *hostPolicy) recordHost(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.contacted == nil {
		p.contacted = map[string]bool{}
	}
	p.contacted[host] = true
}

// ContactedHosts lists every host the client has talked to, sorted: registries, token
// services and blob storage. It is what a firewall must let through.
func (c *Client) ContactedHosts() []string {
	c.base.mu.Lock()
	defer c.base.mu.Unlock()
	return slices.Sorted(maps.Keys(c.base.contacted))
}

// TransportFor gives what carries other requests to host, such as those for
// charts: with the same trust, certificates and proxies, and counted among
// [Client.ContactedHosts]. Nothing else of the client is in it: no credentials; the rule
// about plain http is [Client.CheckRequest].
func (c *Client) TransportFor(host string) *http.Transport {
	t := c.base.strict
	if containsHost(c.base.skip, host) {
		t = c.base.insecure
	}
	own := t.Base.(*http.Transport).Clone()
	pick := own.Proxy
	own.Proxy = func(r *http.Request) (*url.URL, error) { // asked for each request, redirects included
		c.base.recordHost(r.URL.Host)
		return pick(r)
	}
	return own
}

// bodySentKey marks, in a request's context, that its body was sent before: a
// request that met an expired token comes by a second time.
type bodySentKey struct{}

func withBodySent(ctx context.Context) context.Context {
	return context.WithValue(ctx, bodySentKey{}, new(atomic.Bool))
}

// resetBody gives a request that comes by again a new body.
func resetBody(r *http.Request) error {
	sent, ok := r.Context().Value(bodySentKey{}).(*atomic.Bool)
	if !ok || r.GetBody == nil || !sent.Swap(true) {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return err
	}
	_ = r.Body.Close()
	r.Body = body
	return nil
}

func closeWithError(r *http.Request, err error) error {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return err
}

// containsHost reports whether host is on the list, with or without its port.
func containsHost(list []string, host string) bool {
	bare := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		bare = h
	}
	return slices.ContainsFunc(list, func(n string) bool {
		return strings.EqualFold(n, host) || strings.EqualFold(n, bare)
	})
}
