package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"syscall"
)

// Endpoint is where a store is asked for its health without the API server: its
// Ingress, load balancer or node port, as its clients reach it.
type Endpoint struct {
	// URL is the address before /minio/health/cluster, without a user.
	URL *url.URL
	// Transport carries the question. Redirects are not followed.
	Transport http.RoundTripper
}

// Endpoints are those of some stores, by namespace/name. A store that is not
// among them is asked through the API server.
type Endpoints map[string]Endpoint

// health asks the endpoint. Whoever refuses the connection there does not serve,
// and neither does a proxy that finds no server behind it: clients meet the same.
// Everything else that is no answer of a store says nothing about it.
func (e Endpoint) health(ctx context.Context) (Health, error) {
	where := e.URL.JoinPath("minio/health/cluster")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return Health{State: HealthUnknown}, fmt.Errorf("asking %s: %w", where, err)
	}
	answer, err := e.Transport.RoundTrip(r)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Health{State: HealthUnavailable, Cause: "connection refused"}, nil
	case err != nil:
		return Health{State: HealthUnknown}, fmt.Errorf("asking %s: %w", where, err)
	}
	_ = answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		return Health{State: HealthOK, Status: answer.StatusCode}, nil
	case http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return Health{State: HealthUnavailable, Status: answer.StatusCode}, nil
	}
	return Health{State: HealthUnknown, Status: answer.StatusCode}, fmt.Errorf("asking %s: received HTTP status %d", where, answer.StatusCode)
}
