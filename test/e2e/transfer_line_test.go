package e2e

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// line is what lies between a program and a registry. It counts the bytes of
// blobs, and lets them through no faster than a line does: bytes that wait in a
// socket are on the way, not there.
type line struct {
	t         *testing.T
	host      string
	dropRange bool

	bytes  atomic.Int64
	mu     sync.Mutex
	stored map[string]bool // digests that the registry took
	at     int64           // bytes at which to kill
	kill   func()
}

// lineRate is in bytes a second.
const lineRate = 25 << 20

// blobPath is a blob that is fetched, upload one that is sent.
var (
	blobPath = regexp.MustCompile(`/blobs/sha256:`)
	upload   = regexp.MustCompile(`/blobs/uploads/`)
)

func newLine(t *testing.T, registry string) *line {
	t.Helper()
	l := &line{t: t, stored: map[string]bool{}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry})
	proxy.FlushInterval = -1
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	proxy.ModifyResponse = func(r *http.Response) error {
		switch req := r.Request; {
		case req.Method == http.MethodGet && blobPath.MatchString(req.URL.Path):
			r.Body = &counted{r.Body, l}
		case req.Method == http.MethodPut && r.StatusCode == http.StatusCreated && upload.MatchString(req.URL.Path):
			l.mu.Lock()
			l.stored[req.URL.Query().Get("digest")] = true
			l.mu.Unlock()
		}
		return nil
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.dropRange {
			r.Header.Del("Range")
		}
		if r.Method == http.MethodPut && upload.MatchString(r.URL.Path) {
			r.Body = &counted{r.Body, l}
		}
		proxy.ServeHTTP(w, r)
	}))
	// What a program was sent and has not read when it dies came for nothing:
	// little of it fits here, however seldom the program gets its turn.
	srv.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
		return ctx
	}
	srv.Start()
	t.Cleanup(srv.Close)
	l.host = srv.Listener.Addr().String()
	return l
}

func (l *line) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bytes.Store(0)
	l.stored, l.kill = map[string]bool{}, nil
}

// storedBlobs are those that the registry took since the last reset.
func (l *line) storedBlobs() map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.stored)
}

// runAndKill ends the program, as a power failure would, once so many bytes
// have passed.
func (l *line) runAndKill(cmd *exec.Cmd, at int64) {
	l.t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	l.at, l.kill = at, func() { _ = cmd.Process.Kill() }
	l.mu.Unlock()
	if err := cmd.Wait(); err == nil {
		l.t.Fatalf("it ended before it could be killed:\n%s", out.String())
	}
	if l.bytes.Load() < at {
		l.t.Fatalf("it ended by itself after %d bytes:\n%s", l.bytes.Load(), out.String())
	}
	l.mu.Lock()
	l.kill = nil
	l.mu.Unlock()
	// What the proxy still holds of the dead connections is gone soon.
	time.Sleep(200 * time.Millisecond)
}

type counted struct {
	io.ReadCloser
	line *line
}

// Read implements io.Reader.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b[:min(len(b), 16<<10)])
	if n > 0 {
		time.Sleep(time.Duration(n) * time.Second / (lineRate / workers))
	}
	passed := c.line.bytes.Add(int64(n))
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	if c.line.kill != nil && passed >= c.line.at {
		c.line.kill()
	}
	return n, err
}
