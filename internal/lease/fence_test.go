package lease_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	coordination "k8s.io/api/coordination/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
)

// clock is set by the test and read by connections.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fenced is a client behind a fence, with what its server received.
type fenced struct {
	lease    *lease.Lease
	clock    *clock
	client   *http.Client
	url      string
	received func() []string
	leases   *fake.Clientset
}

func newFenced(t *testing.T, dial func(*rest.Config)) *fenced {
	t.Helper()
	var mu sync.Mutex
	var got []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // a request that did not come whole changes nothing
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization")+string(body[:min(len(body), 5)]))
	}))
	t.Cleanup(server.Close)
	f := &fenced{clock: &clock{now: time.Now()}, leases: fake.NewSimpleClientset(), url: server.URL, received: func() []string {
		mu.Lock()
		defer mu.Unlock()
		return got
	}}
	f.lease = lease.New(lease.Options{Client: f.leases, Namespace: "aistor", Holder: "first", Term: time.Hour, Now: f.clock.read})
	if err := f.lease.Acquire(t.Context(), func(*lease.BusyError) {}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.lease.Abandon)
	config := &rest.Config{Host: server.URL, BearerToken: "me", TLSClientConfig: rest.TLSClientConfig{Insecure: true}}
	if dial != nil {
		dial(config)
	}
	config, err := f.lease.Fence(config)
	if err != nil {
		t.Fatal(err)
	}
	if f.client, err = rest.HTTPClientFor(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.client.CloseIdleConnections)
	return f
}

func (f *fenced) send(t *testing.T, method, path string, body io.Reader) error {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := f.client.Do(r)
	if err == nil {
		_ = answer.Body.Close()
	}
	return err
}

func TestFenceLetsWritesPassOnlyWithTheLease(t *testing.T) {
	t.Parallel()
	f := newFenced(t, nil)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if err := f.send(t, method, "/x", nil); err != nil {
			t.Errorf("%s with the lease: %v", method, err)
		}
	}
	if n := len(f.received()); n != 5 || f.received()[1] != "POST /x Bearer me" {
		t.Fatalf("received: %q", f.received())
	}
	change(t, f.leases, func(l *coordination.Lease) { l.Spec.HolderIdentity = new("second") })
	f.clock.forward(2 * time.Hour)
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if err := f.send(t, method, "/x", nil); !errors.As(err, new(*lease.LostError)) {
			t.Errorf("%s without the lease: %v", method, err)
		}
	}
	for _, read := range [][2]string{{"GET", "/x"}, {"HEAD", "/x"}, {"POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}, {"PATCH", "/x?dryRun=All"}} {
		if err := f.send(t, read[0], read[1], nil); err != nil {
			t.Errorf("%s %s: %v", read[0], read[1], err)
		}
	}
	if n := len(f.received()); n != 9 {
		t.Errorf("received: %q", f.received())
	}
}

// A process may be suspended after the check the lease and before the bytes
// leave: while the connection is made, or in the middle of a body.
func TestFenceHoldsBackWhatWasAboutToLeaveWhenTheProcessWasSuspended(t *testing.T) {
	t.Parallel()
	t.Run("while connecting", func(t *testing.T) {
		t.Parallel()
		var f *fenced
		f = newFenced(t, func(c *rest.Config) {
			c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				f.clock.forward(2 * time.Hour)
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
		})
		change(t, f.leases, func(l *coordination.Lease) { l.Spec.HolderIdentity = new("second") })
		if err := f.send(t, "DELETE", "/x", nil); err == nil {
			t.Error("it was sent")
		}
		if got := f.received(); len(got) != 0 {
			t.Errorf("received: %q", got)
		}
	})
	t.Run("in the middle of a body", func(t *testing.T) {
		t.Parallel()
		f := newFenced(t, nil)
		if err := f.send(t, "PUT", "/x", nil); err != nil { // a connection to be used again
			t.Fatal(err)
		}
		change(t, f.leases, func(l *coordination.Lease) { l.Spec.HolderIdentity = new("second") })
		body := io.MultiReader(bytes.NewReader(make([]byte, 200_000)), &suspends{f.clock}, bytes.NewReader(make([]byte, 200_000)))
		if err := f.send(t, "PUT", "/y", body); err == nil {
			t.Error("it was sent")
		}
		if got := f.received(); len(got) != 1 {
			t.Errorf("received: %q", got)
		}
	})
}

// suspends is the moment at which a process is suspended for long.
type suspends struct{ clock *clock }

func (s *suspends) Read([]byte) (int, error) {
	s.clock.forward(2 * time.Hour)
	return 0, io.EOF
}

// What was held back in doubt passes when it is repeated: the lease is read.
func TestFenceLetsTheRepeatedRequestPass(t *testing.T) {
	t.Parallel()
	asleep := true
	var f *fenced
	f = newFenced(t, func(c *rest.Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if asleep {
				f.clock.forward(2 * time.Hour)
			}
			asleep = false
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}
	})
	if err := f.send(t, "DELETE", "/x", nil); err == nil || errors.As(err, new(*lease.LostError)) {
		t.Errorf("error: %v", err)
	}
	if err := f.send(t, "DELETE", "/x", nil); err != nil {
		t.Error(err)
	}
}
