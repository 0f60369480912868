package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// HealthState is what a store says of itself.
type HealthState string

// The states of a [Health].
const (
	// HealthOK means that the store has its write quorum.
	HealthOK HealthState = "ok"
	// HealthUnavailable means that it hasn't, or that no server of it is ready
	// to be asked.
	HealthUnavailable HealthState = "unavailable"
	// HealthUnknown means that the question didn't get through. That says
	// nothing about the store.
	HealthUnknown HealthState = "unknown"
)

// Health is a store's answer on /minio/health/cluster.
type Health struct {
	State HealthState `json:"state"`
	// Status is the HTTP status, the store's own or the API server's; 0 where
	// nobody answered.
	Status int `json:"status,omitempty"`
	// Cause says in words why a store is unavailable, where no status does.
	Cause string `json:"cause,omitempty"`
}

// CheckStoreHealth asks a store of f for its health: at its endpoint where at has one,
// else through the API server's service proxy.
//
// The error is not nil only together with [HealthUnknown].
func (c *Client) CheckStoreHealth(ctx context.Context, f *plan.Facts, st plan.Store, at Endpoints) (Health, error) {
	if e, ok := at[st.Key()]; ok {
		return e.queryHealth(ctx)
	}
	service := st.ServiceName()
	i := slices.IndexFunc(f.Services, func(s plan.Service) bool {
		return s.Namespace == st.Namespace && s.Name == service && len(s.Ports) > 0
	})
	if i < 0 {
		return Health{State: HealthUnknown}, fmt.Errorf("service %s/%s not found", st.Namespace, service)
	}
	return c.storeHealth(ctx, st.Namespace, service, f.Services[i].Ports[0])
}

// storeHealth asks a store through the API server's service proxy, which needs
// no route from here to the pods but the right to get services/proxy. TLS is
// assumed on ports that end in 443 and found out elsewhere; the API server
// doesn't verify the store's certificate.
func (c *Client) storeHealth(ctx context.Context, namespace, service string, port int) (Health, error) {
	scheme := "http"
	if port%1000 == 443 {
		scheme = "https"
	}
	code, body, err := c.proxyHealthRequest(ctx, scheme, namespace, service, port)
	if scheme == "http" && code == http.StatusBadRequest && wantsTLS(err) {
		code, body, err = c.proxyHealthRequest(ctx, "https", namespace, service, port)
	}
	state := parseHealth(code, body)
	if state != HealthUnknown {
		return Health{State: state, Status: code}, nil
	}
	if err == nil {
		err = fmt.Errorf("received HTTP status %d", code)
	}
	return Health{State: state, Status: code}, fmt.Errorf("querying the health of \"%s/%s\": %w", namespace, service, err)
}

func (c *Client) proxyHealthRequest(ctx context.Context, scheme, namespace, service string, port int) (int, []byte, error) {
	code := 0
	answer := c.typed.CoreV1().RESTClient().Get().
		Namespace(namespace).Resource("services").
		Name(scheme+":"+service+":"+strconv.Itoa(port)).
		SubResource("proxy").Suffix(healthPath).
		SetHeader("Accept", "application/json").
		MaxRetries(0).
		Do(ctx).StatusCode(&code)
	body, err := answer.Raw()
	if status, ok := err.(apierrors.APIStatus); ok && code == 0 {
		code = int(status.Status().Code)
	}
	return code, body, err
}

// wantsTLS recognises Go's own answer to plain HTTP on a TLS port. It isn't
// JSON, so client-go keeps its text among the error's causes.
func wantsTLS(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool {
		return strings.Contains(c.Message, "HTTPS server")
	})
}

// parseHealth tells the store's answers from the API server's own, which come
// as a Status object: of these only a missing endpoint says something about
// the store.
func parseHealth(code int, body []byte) HealthState {
	var status metav1.Status
	servers := json.Unmarshal(body, &status) == nil && status.Kind == "Status"
	switch {
	case code == http.StatusOK:
		return HealthOK
	case code != http.StatusServiceUnavailable:
		return HealthUnknown
	case !servers || strings.Contains(status.Message, "no endpoints available"):
		return HealthUnavailable
	default:
		return HealthUnknown
	}
}
