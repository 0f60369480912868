package cluster

import (
	"context"
	"errors"
	"maps"
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
		{"a redirect", answer(302), Health{State: HealthUnknown, Status: 302}, "HTTP status 302, a redirect to http://"},
		{"more bytes than anybody reads", writeForever, Health{State: HealthOK, Status: 200}, ""},
		{"nobody listens", nil, Health{State: HealthUnavailable, Cause: "connection refused"}, ""},
		{"timed out", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, Health{State: HealthUnknown}, "timed out"},
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
			if tt.cause == "timed out" {
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

// writeForever writes until nobody takes it.
func writeForever(w http.ResponseWriter, _ *http.Request) {
	for chunk := make([]byte, 1<<20); ; {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// A redirect says where it leads, not what is secret in that, nor without end.
func TestARedirectIsToldInShort(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://me:s3cret@login.example.com/"+strings.Repeat("a", 5000)+"?token=s3cret")
		w.WriteHeader(http.StatusFound)
	}))
	defer srv.Close()
	_, err := askAt(t, time.Minute, srv.URL, srv.Client().Transport)
	if err == nil || !strings.Contains(err.Error(), "login.example.com/aaa") || strings.Contains(err.Error(), "s3cret") || len(err.Error()) > 500 {
		t.Errorf("error: %.600v", err)
	}
}

// What a forward proxy says of itself is no outage of the store behind it.
func TestAProxysOwnTroubleIsNotTheStores(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		header http.Header
		down   bool // the proxy itself
		want   Health
		cause  string
	}{
		{"the proxy refuses", nil, true, Health{State: HealthUnknown}, "connection refused"},
		{"the proxy gets nowhere", nil, false, Health{State: HealthUnknown, Status: 503}, "possibly from the proxy"},
		{"the store has no quorum", http.Header{"X-Minio-Write-Quorum": {"3"}}, false, Health{State: HealthUnavailable, Status: 503}, ""},
		{"the store is not ready", http.Header{"Server": {"MinIO"}}, false, Health{State: HealthUnavailable, Status: 503}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), tt.header)
				w.WriteHeader(http.StatusServiceUnavailable)
			}))
			defer proxy.Close()
			at, err := url.Parse(proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			if tt.down {
				at.Host = "127.0.0.1:1"
			}
			transport := &http.Transport{Proxy: http.ProxyURL(at)}
			defer transport.CloseIdleConnections()
			got, err := queryHealthAt(t, time.Minute, Endpoint{URL: &url.URL{Scheme: "http", Host: "s3.example.com"}, Transport: transport, Proxy: at.Host})
			if got != tt.want {
				t.Errorf("received %+v, expected %+v", got, tt.want)
			}
			if tt.cause == "" && err != nil || tt.cause != "" && (err == nil || !strings.Contains(err.Error(), tt.cause) || !strings.Contains(err.Error(), "through proxy "+at.Host)) {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// What says yes to every question is no store.
func TestWhatAnswersYesToEverythingIsNotBelieved(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		other int // the status of what no store has
		want  bool
	}{
		{"a store", 403, true},
		{"a store behind a gateway of its own", 404, true},
		{"a login page", 200, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/s3/minio/health/cluster" {
					w.WriteHeader(tt.other)
				}
			}))
			defer srv.Close()
			u, err := url.Parse(srv.URL + "/s3")
			if err != nil {
				t.Fatal(err)
			}
			err = Endpoint{URL: u, Transport: srv.Client().Transport}.DetectCatchAll(t.Context())
			if _, catchAll := errors.AsType[*CatchAllError](err); catchAll == tt.want || err != nil && tt.want {
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
	return queryHealthAt(t, patience, Endpoint{URL: u, Transport: transport})
}

func queryHealthAt(t *testing.T, patience time.Duration, e Endpoint) (Health, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	st := plan.Store{Namespace: "team-a", Name: "primary"}
	return (&Client{}).CheckStoreHealth(ctx, &plan.Facts{}, st, Endpoints{"team-a/primary": e})
}
