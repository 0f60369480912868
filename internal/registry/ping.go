package registry

import (
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
)

// pingTransport is what a registry is first asked through. [transport.Ping]
// tries https and then http where it takes an address for a local one; of the
// two failures only the one on the line says something.
type pingTransport struct {
	base http.RoundTripper

	mu  sync.Mutex
	err error
}

// RoundTrip implements http.RoundTripper.
func (f *pingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := f.base.RoundTrip(r)
	var refused *plainHTTPError
	var wrong *httpsError
	if err != nil && !errors.As(err, &refused) && !errors.As(err, &wrong) {
		f.mu.Lock()
		f.err = err
		f.mu.Unlock()
	}
	return resp, err
}

// preferTransportError gives the failure on the line in place of both. An answer, be it an
// error, stays what it is.
func (f *pingTransport) preferTransportError(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var te *transport.Error
	if f.err == nil || errors.As(err, &te) {
		return err
	}
	return &connectError{f.err}
}

// connectError is a failure before the registry ever answered.
type connectError struct{ error }

// Unwrap gives the cause.
func (e *connectError) Unwrap() error { return e.error }

// isUnreachable is true where a registry was never reached, because there is no
// such name, or nobody listens or answers: most likely it was misspelt, and waiting long
// does not help.
func isUnreachable(err error) bool {
	var contact *connectError
	var dns *net.DNSError
	if !errors.As(err, &contact) {
		return false
	}
	var silent *httptimeout.Error
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &silent)
}
