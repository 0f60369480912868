package httptimeout

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"

	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// Transport ends requests whose server stays silent for too long, with an
// [*Error]. It is safe for concurrent use.
type Transport struct {
	// Base carries the requests. It must end them with their context.
	Base http.RoundTripper
	// Limits are the limits; unset ones have their defaults.
	Limits Limits
	// Kind tells the kinds of requests apart. The default takes all for [Small].
	Kind func(*http.Request) Kind
	// Server names the server of a request. The default is the URL's host.
	Server func(*http.Request) string
	// OnSilence, where set, hears of each request whose server has been silent
	// for [Limits.Notice], and again every 30 seconds. It must be safe for
	// concurrent use.
	OnSilence func(Silence)
}

var _ utilnet.RoundTripperWrapper = (*Transport)(nil)

// WrappedRoundTripper lets client-go look behind it.
func (t *Transport) WrappedRoundTripper() http.RoundTripper { return t.Base }

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	kind := Small
	if t.Kind != nil {
		kind = t.Kind(r)
	}
	if kind == Stream {
		return t.Base.RoundTrip(r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	e := newExchange(t, r, kind, cancel)
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { e.sent() }})
	out := r.WithContext(traced)
	if r.Body != nil && r.Body != http.NoBody {
		out.Body = &requestBody{r.Body, e}
		if open := r.GetBody; open != nil {
			out.GetBody = func() (io.ReadCloser, error) {
				b, err := open()
				if err != nil {
					return nil, err
				}
				return &requestBody{b, e}, nil
			}
		}
	}
	e.connecting()
	resp, err := t.Base.RoundTrip(out)
	if err != nil {
		e.end()
		if failed := e.failure(); failed != nil {
			utilnet.CloseIdleConnectionsFor(t.Base) // they may lead to the same silence
			return nil, failed
		}
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		e.release()
		return resp, nil
	}
	e.answered(resp.StatusCode)
	resp.Body = &responseBody{resp.Body, e, t.Base}
	return resp, nil
}

// requestBody lets the clock rest while what is sent is itself waited for.
type requestBody struct {
	io.ReadCloser
	e *exchange
}

// Read implements io.Reader.
func (b *requestBody) Read(p []byte) (int, error) {
	b.e.pause()
	n, err := b.ReadCloser.Read(p)
	b.e.sending()
	return n, err
}

// responseBody watches over an answer while somebody reads it.
type responseBody struct {
	io.ReadCloser
	e    *exchange
	base http.RoundTripper
}

// Read implements io.Reader.
func (b *responseBody) Read(p []byte) (int, error) {
	b.e.reading()
	n, err := b.ReadCloser.Read(p)
	b.e.received(n)
	if err == nil || err == io.EOF {
		return n, err
	}
	if failed := b.e.failure(); failed != nil {
		utilnet.CloseIdleConnectionsFor(b.base)
		err = failed
		if b.e.kind == Watch {
			err = io.EOF
		}
	}
	return n, err
}

// Close implements io.Closer.
func (b *responseBody) Close() error {
	err := b.ReadCloser.Close()
	b.e.end()
	return err
}
