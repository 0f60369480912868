package lease

import (
	"context"
	"net"
	"net/http"
	"strings"

	"k8s.io/client-go/rest"
)

// Fence returns a configuration like config whose clients change nothing unless
// the lease is held. Reads pass. Each write is checked twice: when the request
// begins, where doubt is settled by reading the lease, and at the socket, where
// no byte leaves once the lease was not confirmed in time. So a process that is
// suspended between the two, or whose connection broke meanwhile, sends nothing
// either.
//
// All clients of the result share their connections.
func (l *Lease) Fence(config *rest.Config) (*rest.Config, error) {
	reads, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	guarded := rest.CopyConfig(config)
	guarded.Dial = l.dialer(config.Dial)
	writes, err := rest.TransportFor(guarded)
	if err != nil {
		return nil, err
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	// Both transports bring authentication, TLS and dialing with them.
	out := rest.AnonymousClientConfig(config)
	out.Host, out.TLSClientConfig, out.Dial, out.Proxy = base.String(), rest.TLSClientConfig{}, nil, nil
	out.Transport = &fence{lease: l, reads: reads, writes: writes}
	return out, nil
}

// fence sends requests, and writes only with the lease.
type fence struct {
	lease         *Lease
	reads, writes http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (f *fence) RoundTrip(r *http.Request) (*http.Response, error) {
	if !changes(r) {
		return f.reads.RoundTrip(r)
	}
	if err := f.lease.Confirm(r.Context()); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	return f.writes.RoundTrip(r)
}

// changes reports whether a request may change something. Reviews are questions
// that are asked by POST, and a dry run changes nothing.
func changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	for _, group := range []string{"/apis/authentication.k8s.io/", "/apis/authorization.k8s.io/"} {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, group) {
			return false
		}
	}
	return r.URL.Query().Get("dryRun") != "All"
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// dialer makes connections that send nothing without the lease.
func (l *Lease) dialer(dial dialFunc) dialFunc {
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		dropUnsent(conn, l.term-l.limit())
		return &fencedConn{conn, l}, nil
	}
}

// fencedConn is a connection for writes.
type fencedConn struct {
	net.Conn
	lease *Lease
}

// Write implements [net.Conn]. It checks the clock alone, right before the
// bytes leave.
func (c *fencedConn) Write(b []byte) (int, error) {
	if err := c.lease.mayStillSend(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
