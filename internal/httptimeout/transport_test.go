package httptimeout

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// short are limits that a test can wait for.
var short = Limits{Silence: 300 * time.Millisecond, FirstByte: 1500 * time.Millisecond, Watch: 200 * time.Millisecond, Notice: 50 * time.Millisecond}

// patience is far above what any request here may take.
const patience = 30 * time.Second

func client(kind Kind, tell func(Silence)) *http.Client {
	return &http.Client{Transport: &Transport{
		Base: &http.Transport{DisableKeepAlives: true}, Limits: short, OnSilence: tell,
		Kind: func(*http.Request) Kind { return kind },
	}}
}

// get reads a whole answer.
func get(ctx context.Context, c *http.Client, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// scripted answers as a test says, until the test has ended.
func scripted(t *testing.T, answer func(w http.ResponseWriter, flush func(), ended <-chan struct{})) string {
	t.Helper()
	ended := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer(w, func() { _ = http.NewResponseController(w).Flush() }, ended)
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(ended) })
	return s.URL
}

func drip(w io.Writer, flush func(), ended <-chan struct{}, every time.Duration) {
	for {
		select {
		case <-ended:
			return
		case <-time.After(every):
		}
		if _, err := w.Write([]byte("x")); err != nil {
			return
		}
		flush()
	}
}

func TestEveryAnswerEnds(t *testing.T) {
	t.Parallel()
	silent := func(_ http.ResponseWriter, _ func(), ended <-chan struct{}) { <-ended }
	begins := func(w http.ResponseWriter, flush func(), ended <-chan struct{}) {
		w.WriteHeader(http.StatusOK)
		flush()
		<-ended
	}
	stops := func(w http.ResponseWriter, flush func(), ended <-chan struct{}) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 9000))
		flush()
		<-ended
	}
	drips := func(w http.ResponseWriter, flush func(), ended <-chan struct{}) {
		drip(w, flush, ended, short.Silence/4)
	}
	fails := func(w http.ResponseWriter, flush func(), ended <-chan struct{}) {
		w.WriteHeader(http.StatusServiceUnavailable)
		flush()
		<-ended
	}
	for _, c := range []struct {
		name   string
		kind   Kind
		answer func(http.ResponseWriter, func(), <-chan struct{})
		least  time.Duration
		want   string
	}{
		{"a small answer that never comes", Small, silent, short.Silence, "no data was received within 300ms"},
		{"a small answer without a body", Small, begins, short.Silence, "its response stalled for 300ms"},
		{"a small answer that stops in the middle", Small, stops, short.Silence, "its response stalled for 300ms"},
		{"a small answer that drips", Small, drips, short.Silence, "bytes within 300ms"},
		{"content that never comes", Content, silent, short.FirstByte, "no data was received within 1.5s"},
		{"content without a first byte", Content, begins, short.FirstByte / 2, "no data was received within 1.5s"},
		{"content that stops in the middle", Content, stops, short.Silence, "its response stalled for 300ms"},
		{"content that drips", Content, drips, short.FirstByte, "bytes within 1.5s"},
		{"an error in place of content", Content, fails, short.Silence, "its response stalled for 300ms"},
		{"a watch that never begins", Watch, silent, short.Watch, "no data was received within 200ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url, began := scripted(t, c.answer), time.Now()
			_, err := get(t.Context(), client(c.kind, nil), url)
			took := time.Since(began)
			var silence *Error
			var timeout net.Error
			if !errors.As(err, &silence) || !errors.As(err, &timeout) || timeout.Timeout() != (c.kind != Watch) {
				t.Fatalf("received: %v\nexpected: an Error of this package", err)
			}
			if !strings.Contains(err.Error(), "no response from 127.0.0.1") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("received: %v\nexpected: … %s", err, c.want)
			}
			if took < c.least-10*time.Millisecond || took > patience {
				t.Errorf("it took %s, the limit is %s", took, c.least)
			}
		})
	}
}

// What a server that does its work needs stays possible.
func TestWhatIsOnlySlowGetsThrough(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("x"), 5000)
	for _, c := range []struct {
		name   string
		kind   Kind
		answer func(http.ResponseWriter, func(), <-chan struct{})
	}{
		{"content that is scanned before its header", Content, func(w http.ResponseWriter, _ func(), _ <-chan struct{}) {
			time.Sleep(2 * short.Silence)
			_, _ = w.Write(body)
		}},
		{"content that is scanned before its first byte", Content, func(w http.ResponseWriter, flush func(), _ <-chan struct{}) {
			flush()
			time.Sleep(2 * short.Silence)
			_, _ = w.Write(body)
		}},
		{"a small answer in pieces", Small, func(w http.ResponseWriter, flush func(), _ <-chan struct{}) {
			for i := range 10 {
				_, _ = w.Write(body[i*500 : (i+1)*500])
				flush()
				time.Sleep(short.Silence / 5)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := get(t.Context(), client(c.kind, nil), scripted(t, c.answer))
			if err != nil || len(got) != len(body) {
				t.Errorf("received %d bytes, %v", len(got), err)
			}
		})
	}
}

// A reader that takes its time is not the server's silence.
func TestASlowReaderIsNoSilence(t *testing.T) {
	t.Parallel()
	url := scripted(t, func(w http.ResponseWriter, _ func(), _ <-chan struct{}) { _, _ = w.Write(make([]byte, 64<<10)) })
	resp, err := client(Small, nil).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for range 3 {
		time.Sleep(short.Silence + 50*time.Millisecond)
		if _, err := io.ReadFull(resp.Body, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASilentWatchEndsWithoutAnError(t *testing.T) {
	t.Parallel()
	var told atomic.Int32
	url := scripted(t, func(w http.ResponseWriter, flush func(), ended <-chan struct{}) {
		_, _ = w.Write([]byte("event\n"))
		flush()
		<-ended
	})
	got, err := get(t.Context(), client(Watch, func(Silence) { told.Add(1) }), url)
	if err != nil || string(got) != "event\n" || told.Load() != 0 {
		t.Errorf("received %q, %v, told %d times", got, err, told.Load())
	}
}

// Whatever happens before HTTP begins is bounded too.
func TestConnectingEnds(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var held sync.Map
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			held.Store(c, true)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		held.Range(func(c, _ any) bool { return c.(net.Conn).Close() == nil })
	})
	proxied := &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return url.Parse("http://" + l.Addr().String()) }}
	stuck := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done() // as a name service that never answers
		return nil, ctx.Err()
	}}
	for name, c := range map[string]struct {
		base http.RoundTripper
		url  string
	}{
		"a TLS handshake that is not answered":    {&http.Transport{}, "https://" + l.Addr().String()},
		"a proxy that does not answer CONNECT":    {proxied, "https://registry.example.com"},
		"a name that is not resolved, nor denied": {stuck, "https://registry.example.com"},
	} {
		for _, kind := range []Kind{Small, Content, Upload, Watch} {
			t.Run(fmt.Sprint(name, kind), func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				_, err := get(t.Context(), &http.Client{Transport: &Transport{Base: c.base, Limits: short, Kind: func(*http.Request) Kind { return kind }}}, c.url)
				var silence *Error
				if !errors.As(err, &silence) || time.Since(began) > patience {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
			})
		}
	}
}

// slowSource is an upload that is itself waited for.
type slowSource struct {
	io.Reader
	wait time.Duration
}

func (s slowSource) Read(p []byte) (int, error) {
	time.Sleep(s.wait)
	return s.Reader.Read(p)
}

func TestUploads(t *testing.T) {
	t.Parallel()
	put := func(url string, body io.Reader, size int64) error {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, body)
		if err != nil {
			return err
		}
		r.ContentLength = size
		resp, err := client(Upload, nil).Do(r)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	t.Run("that are not taken", func(t *testing.T) {
		t.Parallel()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		t.Cleanup(func() { close(ended); _ = l.Close() })
		go func() {
			if c, err := l.Accept(); err == nil {
				_, _ = bufio.NewReader(c).ReadString('\n')
				<-ended
				_ = c.Close()
			}
		}()
		err = put("http://"+l.Addr().String(), bytes.NewReader(make([]byte, 40<<20)), 40<<20)
		if err == nil || !strings.Contains(err.Error(), "it accepted no data for 300ms") {
			t.Errorf("received: %v", err)
		}
	})
	t.Run("that are never answered", func(t *testing.T) {
		t.Parallel()
		began := time.Now()
		err := put(scripted(t, func(_ http.ResponseWriter, _ func(), ended <-chan struct{}) { <-ended }), strings.NewReader("content"), 7)
		if err == nil || !strings.Contains(err.Error(), "no data was received within 1.5s") || time.Since(began) < short.FirstByte {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
	t.Run("whose source is slow", func(t *testing.T) {
		t.Parallel()
		url := scripted(t, func(w http.ResponseWriter, _ func(), _ <-chan struct{}) { w.WriteHeader(http.StatusCreated) })
		if err := put(url, slowSource{strings.NewReader("content"), 2 * short.Silence}, 7); err != nil {
			t.Error(err)
		}
	})
}

func TestSilenceIsTold(t *testing.T) {
	t.Parallel()
	told := make(chan Silence, 10)
	url := scripted(t, func(_ http.ResponseWriter, _ func(), ended <-chan struct{}) { <-ended })
	_, err := get(t.Context(), client(Small, func(s Silence) { told <- s }), url+"/v2/a/manifests/1?signature=secret")
	if err == nil {
		t.Fatal("no error")
	}
	s := <-told
	if s.Server != strings.TrimPrefix(url, "http://") || s.Request != "GET /v2/a/manifests/1" || s.For < short.Notice || s.Limit != short.Silence {
		t.Errorf("received: %+v", s)
	}
	if len(told) > 0 {
		t.Errorf("it was told %d more times", len(told))
	}
}

// A stream has no limits.
func TestAStreamMayBeSilent(t *testing.T) {
	t.Parallel()
	url := scripted(t, func(w http.ResponseWriter, flush func(), _ <-chan struct{}) {
		flush()
		time.Sleep(2 * short.Silence)
		_, _ = w.Write([]byte("late"))
	})
	if got, err := get(t.Context(), client(Stream, nil), url); err != nil || string(got) != "late" {
		t.Errorf("received %q, %v", got, err)
	}
}

func TestACallThatDoesNotEndIsLeft(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	defer close(ended)
	stuck := func() error { <-ended; return nil }
	told := make(chan Silence, 100)
	err := short.Call(t.Context(), "helper", "credentials", func(s Silence) { told <- s }, stuck)
	var silence *Error
	if !errors.As(err, &silence) || err.Error() != "no response from helper: no data was received within 1.5s" || len(told) == 0 {
		t.Errorf("received: %v, told %d times", err, len(told))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := short.Call(ctx, "helper", "credentials", nil, stuck); !errors.Is(err, context.Canceled) {
		t.Errorf("received: %v", err)
	}
	if err := short.Call(t.Context(), "helper", "credentials", nil, func() error { return nil }); err != nil {
		t.Error(err)
	}
}
