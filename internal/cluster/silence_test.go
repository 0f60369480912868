package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// briefly are limits that a test can wait for.
var briefly = httptimeout.Limits{Silence: 900 * time.Millisecond, Watch: 300 * time.Millisecond}

// deadProxy speaks HTTP/1.1 before an API server. Once it is told to, it keeps
// every connection open and passes nothing on: neither answers nor the events
// of watches, in both directions. New connections are served again when it is
// told that.
type deadProxy struct {
	url   string
	inner http.Handler

	mu    sync.Mutex
	dead  bool
	holds func(*http.Request) bool
	hung  atomic.Int32
}

func newDeadProxy(t *testing.T, inner http.Handler) *deadProxy {
	t.Helper()
	p := &deadProxy{inner: inner}
	ended := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.held(r) {
			p.hung.Add(1)
			select {
			case <-ended:
			case <-r.Context().Done():
			}
			return
		}
		p.inner.ServeHTTP(&deafWriter{ResponseWriter: w, p: p}, r)
	}))
	t.Cleanup(s.Close)
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(func() { close(ended) })
	p.url = s.URL
	return p
}

func (p *deadProxy) held(r *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead || p.holds != nil && p.holds(r)
}

func (p *deadProxy) set(dead bool, holds func(*http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead, p.holds = dead, holds
}

// deafWriter drops what is written once its proxy was dead: what was open then
// never works again.
type deafWriter struct {
	http.ResponseWriter
	p    *deadProxy
	lost bool
}

func (w *deafWriter) Write(b []byte) (int, error) {
	w.p.mu.Lock()
	w.lost = w.lost || w.p.dead
	w.p.mu.Unlock()
	if w.lost {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (w *deafWriter) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

// A connection that died on its way is replaced, and what happened meanwhile is
// seen, without a gap.
func TestADeadWatchIsReplaced(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	p := newDeadProxy(t, a)
	l, err := clientOf(t, p.url, briefly).Watch(t.Context(), Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	for countRequests(openWatches(a), ofPods) < 2 {
		<-time.After(time.Millisecond)
	}
	p.set(true, nil)
	a.sendEvent(ofPods, "ADDED", typedDoc("Pod", storePod(1))) // nobody hears of it
	a.addObjects(ofPods, storePod(1))
	a.mu.Lock()
	a.version++ // what a watch resumes from is too old, so that it lists
	a.mu.Unlock()
	p.set(false, nil)
	waitForSnapshot(t, l, "the pod of which no event came", func(f *plan.Facts) bool { return len(f.Pods) == 3 })
}

// A server that answers nobody is told from objects that are gone.
func TestASilentServerIsAGapThatSaysSo(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	p := newDeadProxy(t, a)
	l, err := clientOf(t, p.url, briefly).Watch(t.Context(), Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	p.set(true, nil)
	f := waitForSnapshot(t, l, "silence", func(f *plan.Facts) bool { return len(f.Gaps) >= 13 })
	if len(f.Pods) != 2 || len(f.Stores) != 1 {
		t.Errorf("received %d pods and %d stores, expected what was last seen", len(f.Pods), len(f.Stores))
	}
	for _, g := range f.Gaps {
		if !strings.Contains(g.Cause, "no response from the API server") {
			t.Errorf("gap %s: %s", g.Subject, g.Cause)
		}
	}
	p.set(false, nil)
	waitForSnapshot(t, l, "return", func(f *plan.Facts) bool { return len(f.Gaps) == 0 })
}

// Some proxies pass nothing on before the first event: that is no silence of the
// server, which answers everything else.
func TestWatchesThatAProxyHoldsBackAreNoSilence(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	addSite(a, 1)
	p := newDeadProxy(t, a)
	p.set(false, func(r *http.Request) bool { return r.URL.Query().Get("watch") != "" })
	l, err := clientOf(t, p.url, briefly).Watch(t.Context(), Scope{OperatorNamespace: "aistor", Namespaces: []string{"team-a"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Stop)
	a.addObjects(ofPods, storePod(1))
	f := waitForSnapshot(t, l, "the pod that only a list shows", func(f *plan.Facts) bool { return len(f.Pods) == 3 })
	for _, g := range f.Gaps {
		t.Errorf("gap %s: %s", g.Subject, g.Cause)
	}
}

// Every request ends, whoever sends it, and is told of.
func TestNoRequestToTheAPIServerWaitsForEver(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}
	stop := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"kind":"PodList","apiVersion":"v1","items":[`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, serve := range map[string]http.HandlerFunc{"never comes": hang, "stops in the middle": stop} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(serve)
			t.Cleanup(s.Close)
			told := make(chan httptimeout.Silence, 100)
			limits := briefly
			limits.Notice = 100 * time.Millisecond
			config := LimitSilence(&rest.Config{Host: s.URL}, limits, func(s httptimeout.Silence) { told <- s })
			k, err := kubernetes.NewForConfig(config)
			if err != nil {
				t.Fatal(err)
			}
			for what, ask := range map[string]func(context.Context) error{
				"list": func(ctx context.Context) error {
					_, err := k.CoreV1().Pods("a").List(ctx, metav1.ListOptions{})
					return err
				},
				"get": func(ctx context.Context) error {
					_, err := k.CoreV1().Pods("a").Get(ctx, "x", metav1.GetOptions{})
					return err
				},
				"delete": func(ctx context.Context) error { return k.CoreV1().Pods("a").Delete(ctx, "x", metav1.DeleteOptions{}) },
			} {
				began := time.Now()
				err := ask(t.Context())
				var late interface{ Timeout() bool }
				if err == nil || !strings.Contains(err.Error(), "no response from the API server") || !errors.As(err, &late) || !late.Timeout() {
					t.Errorf("%s: received: %v", what, err)
				}
				if took := time.Since(began); took > time.Minute {
					t.Errorf("%s took %s", what, took)
				}
			}
			if s := <-told; s.Server != apiServer || !strings.Contains(s.Request, "/api/v1/namespaces/a/pods") {
				t.Errorf("told: %+v", s)
			}
		})
	}
}

func TestOnlyStreamsHaveNoLimits(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]httptimeout.Kind{
		"/api/v1/namespaces/a/pods":                               httptimeout.Small,
		"/api/v1/namespaces/a/pods?watch=true":                    httptimeout.Watch,
		"/api/v1/namespaces/a/pods?watch=1":                       httptimeout.Watch,
		"/api/v1/namespaces/a/pods?watch=false":                   httptimeout.Small,
		"/api/v1/namespaces/a/pods/log":                           httptimeout.Small, // a pod of that name
		"/api/v1/namespaces/a/pods/x/log":                         httptimeout.Small,
		"/api/v1/namespaces/a/pods/x/log?follow=true":             httptimeout.Stream,
		"/api/v1/namespaces/a/pods/x/exec?command=ls":             httptimeout.Stream,
		"/api/v1/namespaces/a/pods/x/attach":                      httptimeout.Stream,
		"/api/v1/namespaces/a/pods/x/portforward":                 httptimeout.Stream,
		"/api/v1/namespaces/a/services/x:9000/proxy/minio/health": httptimeout.Small,
	} {
		u, err := url.Parse("https://server" + address)
		if err != nil {
			t.Fatal(err)
		}
		if got := requestKind(&http.Request{Method: http.MethodGet, URL: u}); got != want {
			t.Errorf("%s: received kind %d, expected %d", address, got, want)
		}
	}
	u, _ := url.Parse("https://server/anything")
	if got := requestKind(&http.Request{URL: u, Header: http.Header{"Connection": {"Upgrade"}, "Upgrade": {"SPDY/3.1"}}}); got != httptimeout.Stream {
		t.Errorf("an upgraded connection: received kind %d", got)
	}
}
