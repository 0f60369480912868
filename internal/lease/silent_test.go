package lease_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
)

// silentAPI keeps Leases, and gives no answer any more to the requests of silent.
type silentAPI struct {
	mu      sync.Mutex
	objects map[string][]byte
	silent  func(*http.Request) bool
}

func (s *silentAPI) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.silent(r) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimSuffix(r.URL.Path, "/"+lease.Name)
	status, body := http.StatusOK, s.objects[path]
	if r.Method != http.MethodGet {
		body, _ = io.ReadAll(r.Body)
		s.objects[path] = body
	} else if body == nil {
		status, body = http.StatusNotFound, []byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`)
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
}

func silentClient(t *testing.T, silent func(*http.Request) bool) kubernetes.Interface {
	t.Helper()
	config := &rest.Config{Host: "http://api.invalid", QPS: -1, Transport: &silentAPI{objects: map[string][]byte{}, silent: silent}}
	config.ContentType = "application/json"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Nothing was changed yet: nobody is kept waiting for what expires by itself.
func TestInterruptedAcquireEndsSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		away := false
		var mu sync.Mutex
		client := silentClient(t, func(r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			away = away || strings.Contains(r.URL.Path, "team-b")
			return away
		})
		l := lease.New(lease.Options{Client: client, Namespace: "aistor", Also: []string{"team-a", "team-b"}, Holder: "me"})
		var at time.Time
		time.AfterFunc(3*time.Second, func() { at = time.Now(); cancel() })
		err := l.Acquire(ctx, func(*lease.BusyError) {})
		if took := time.Since(at); !errors.Is(err, context.Canceled) || at.IsZero() || took > 2*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

// A run that is cut off while it takes Leases says which one it could not confirm.
func TestAcquireThatIsCutOffNamesTheLease(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked int
		var mu sync.Mutex
		client := silentClient(t, func(r *http.Request) bool {
			mu.Lock()
			defer mu.Unlock()
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "namespaces/aistor/") {
				asked++
			}
			return asked > 1 // the first Lease was taken
		})
		l := lease.New(lease.Options{Client: client, Namespace: "aistor", Also: []string{"team-a"}, Holder: "me"})
		began := time.Now()
		err := l.Acquire(t.Context(), func(*lease.BusyError) {})
		want := `confirming lease "aistor/aistor-upgrade": no answer from the API server within 10s; `
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "; it expires by itself") || time.Since(began) > time.Minute {
			t.Errorf("after %s: %v\nexpected: %s…", time.Since(began), err, want)
		}
	})
}
