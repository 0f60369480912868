package cluster

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// What a store's clients meet at its own address is told from what only says
// that the question went astray.
func TestAStoreIsAskedAtItsEndpoint(t *testing.T) {
	t.Parallel()
	answer := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/s3/minio/health/cluster" || r.Header.Get("Authorization") != "" {
				code = http.StatusNotFound
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
		}
	}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   Health
		cause  string
	}{
		{"quorum", answer(200), Health{State: HealthOK, Status: 200}, ""},
		{"no quorum", answer(503), Health{State: HealthUnavailable, Status: 503}, ""},
		{"a proxy without a server behind it", answer(502), Health{State: HealthUnavailable, Status: 502}, ""},
		{"a proxy whose server hangs", answer(504), Health{State: HealthUnavailable, Status: 504}, ""},
		{"another program", answer(404), Health{State: HealthUnknown, Status: 404}, "HTTP status 404"},
		{"a redirect", answer(302), Health{State: HealthUnknown, Status: 302}, "HTTP status 302"},
		{"nobody listens", nil, Health{State: HealthUnavailable, Cause: "connection refused"}, ""},
		{"no answer in time", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, Health{State: HealthUnknown}, "deadline exceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tt.answer)
			defer srv.Close()
			at := srv.URL
			if tt.answer == nil {
				at = "http://127.0.0.1:1" // nobody else's either
			}
			patience := time.Minute
			if tt.cause == "deadline exceeded" {
				patience = time.Second
			}
			got, err := askAt(t, patience, at+"/s3", srv.Client().Transport)
			if got != tt.want {
				t.Errorf("received %+v, expected %+v", got, tt.want)
			}
			if tt.cause == "" && err != nil || tt.cause != "" && (err == nil || !strings.Contains(err.Error(), tt.cause)) {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// A certificate that nobody vouches for is no answer of the store.
func TestAnEndpointsCertificateIsChecked(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	if got, err := askAt(t, time.Minute, srv.URL, srv.Client().Transport); err != nil || got.State != HealthOK {
		t.Errorf("with its CA: %+v, %v", got, err)
	}
	strict := &http.Transport{}
	defer strict.CloseIdleConnections()
	if got, err := askAt(t, time.Minute, srv.URL, strict); err == nil || got.State != HealthUnknown {
		t.Errorf("without its CA: %+v, %v", got, err)
	}
}

func askAt(t *testing.T, patience time.Duration, at string, transport http.RoundTripper) (Health, error) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	st := plan.Store{Namespace: "team-a", Name: "primary"}
	return (&Client{}).AskStore(ctx, &plan.Facts{}, st, Endpoints{"team-a/primary": {URL: u, Transport: transport}})
}
