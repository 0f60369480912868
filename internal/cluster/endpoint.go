package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// healthPath is where a store says below its address whether it has its write
// quorum.
const healthPath = "minio/health/cluster"

// Endpoint is where a store is requested its health without the API server: its
// Ingress, load balancer or node port, as its clients reach it.
type Endpoint struct {
	// URL is the address before /minio/health/cluster, without a user.
	URL *url.URL
	// Transport carries the question. Redirects are not followed.
	Transport http.RoundTripper
	// Proxy is the forward proxy that Transport goes through; empty means none.
	// What it says of itself is no answer of the store.
	Proxy string
}

// Endpoints are those of some stores, by namespace/name. A store that is not
// among them is asked through the API server.
type Endpoints map[string]Endpoint

// String is the address that is asked, and the proxy on the way.
func (e Endpoint) String() string {
	at := e.URL.JoinPath(healthPath).String()
	if e.Proxy != "" {
		at += " (through proxy " + e.Proxy + ")"
	}
	return at
}

// CatchAllError says that an address answers 200 to what no store answers so: a
// login page, a default backend. Its 200 for a store's health means nothing.
type CatchAllError struct{ URL string }

// Error names the question.
func (e *CatchAllError) Error() string {
	return fmt.Sprintf("probing %s, which no object store serves: received HTTP status 200", e.URL)
}

// DetectCatchAll asks what no store answers with 200, and returns a
// [*CatchAllError] where the endpoint does: it would hide every outage. Where
// that question does not get through the error is nil.
func (e Endpoint) DetectCatchAll(ctx context.Context) error {
	where := e.URL.JoinPath("minio/health/no-such-question")
	answer, err := e.sendGet(ctx, where)
	if err == nil && answer.StatusCode == http.StatusOK {
		return &CatchAllError{where.String()}
	}
	return nil
}

// sendGet asks without credentials and reads no body, however long it is.
func (e Endpoint) sendGet(ctx context.Context, where *url.URL) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := e.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	_ = answer.Body.Close()
	return answer, nil
}

// queryHealth asks the endpoint. Whoever refuses the connection there does not serve,
// and neither does a load balancer that finds no server behind it: clients meet
// the same. Everything else that is no answer of a store says nothing about it.
func (e Endpoint) queryHealth(ctx context.Context) (Health, error) {
	answer, err := e.sendGet(ctx, e.URL.JoinPath(healthPath))
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && !isProxyError(err):
		return Health{State: HealthUnavailable, Cause: "connection refused"}, nil
	case errors.Is(err, context.DeadlineExceeded):
		return Health{State: HealthUnknown}, fmt.Errorf("querying %s: timed out", e)
	case err != nil:
		return Health{State: HealthUnknown}, fmt.Errorf("querying %s: %w", e, err)
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return Health{State: HealthOK, Status: answer.StatusCode}, nil
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		if e.isEndpointResponse(answer) {
			return Health{State: HealthUnavailable, Status: answer.StatusCode}, nil
		}
		err = fmt.Errorf("querying %s: received HTTP status %d, possibly from the proxy", e, answer.StatusCode)
	default:
		err = fmt.Errorf("querying %s: received HTTP status %d%s", e, answer.StatusCode, redirectText(answer))
	}
	return Health{State: HealthUnknown, Status: answer.StatusCode}, err
}

// isProxyError reports whether it was the way to a forward proxy that failed; net/http
// marks that.
func isProxyError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "proxyconnect"
}

// isEndpointResponse reports whether an answer is the endpoint's. A forward proxy looks
// into plain http, and says in the same way that it got nowhere; through a tunnel
// it cannot. Of a plain answer, a store's own headers tell.
func (e Endpoint) isEndpointResponse(answer *http.Response) bool {
	if e.Proxy == "" || e.URL.Scheme == "https" {
		return true
	}
	server := answer.Header.Get("Server")
	return answer.Header.Get("X-Minio-Write-Quorum") != "" || strings.HasPrefix(server, "MinIO") || strings.HasPrefix(server, "AIStor")
}

// redirectText says where an answer sends on to, without what may be secret in it.
func redirectText(answer *http.Response) string {
	to, err := answer.Location()
	if err != nil || answer.StatusCode < 300 || answer.StatusCode > 399 {
		return ""
	}
	on := (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String()
	if len(on) > 200 {
		on = on[:200] + "…"
	}
	return ", a redirect to " + on + " (not followed)"
}
