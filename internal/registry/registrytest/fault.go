package registrytest

import (
	"io"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// Fault is one misbehaviour. It strikes requests whose "METHOD path" matches.
type Fault struct {
	// Match selects requests, as in [Server.CountRequests].
	Match string
	// Skip lets so many matching requests pass first; Times is how many are
	// struck then, 0 for all.
	Skip, Times int
	// Status answers with an error; Header and Body go with it.
	Status int
	Header http.Header
	Body   string
	// BreakAfter resets the connection after so many bytes of the answer.
	BreakAfter int64
	// Truncate ends the answer cleanly after BreakAfter bytes instead.
	Truncate bool
	// Flip changes the answer's byte at BreakAfter.
	Flip bool
	// TakeOnly reads so many bytes of the request's body, and resets the
	// connection then.
	TakeOnly int64
	// Stall, where set, blocks the answer after BreakAfter bytes, or the taking
	// of the request after TakeOnly, until it is closed.
	Stall <-chan struct{}
	// Delay holds the answer back, and then its body.
	Delay time.Duration

	re   *regexp.Regexp
	seen int
}

// InjectFault adds a fault.
func (s *Server) InjectFault(f Fault) {
	f.re = regexp.MustCompile(f.Match)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (s *Server) matchFault(line string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if !f.re.MatchString(line) {
			continue
		}
		f.seen++
		if f.seen > f.Skip && (f.Times == 0 || f.seen <= f.Skip+f.Times) {
			return f
		}
	}
	return nil
}

// writeError sends an error in place of the content.
func (f *Fault) writeError(w http.ResponseWriter) bool {
	if f.Status == 0 {
		return false
	}
	for k, v := range f.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(f.Body))
	return true
}

func (f *Fault) manglesBody() bool { return f.Status == 0 && f.Delay == 0 }

// delayResponse delays an answer: its head, and once more its body.
func (f *Fault) delayResponse(w http.ResponseWriter) http.ResponseWriter {
	time.Sleep(f.Delay)
	return &delayedWriter{ResponseWriter: w, by: f.Delay}
}

// delayedWriter sends the head at once and the body later.
type delayedWriter struct {
	http.ResponseWriter
	by   time.Duration
	once sync.Once
}

// Write implements http.ResponseWriter.
func (l *delayedWriter) Write(b []byte) (int, error) {
	l.once.Do(func() {
		_ = http.NewResponseController(l.ResponseWriter).Flush()
		time.Sleep(l.by)
	})
	return l.ResponseWriter.Write(b)
}

// cutRequest reads a part of a request and resets its connection.
func (f *Fault) cutRequest(r *http.Request) {
	_, _ = io.CopyN(io.Discard, r.Body, f.TakeOnly)
	if f.Stall != nil {
		<-f.Stall
	}
	panic(http.ErrAbortHandler)
}

// mangler breaks an answer on its way out.
type mangler struct {
	http.ResponseWriter
	f *Fault
	n int64
}

// WriteHeader implements http.ResponseWriter.
func (m *mangler) WriteHeader(code int) {
	if m.f.Truncate {
		m.Header().Del("Content-Length")
	}
	m.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (m *mangler) Write(b []byte) (int, error) {
	if m.n == 0 && m.f.Truncate {
		m.Header().Del("Content-Length")
	}
	end := m.n + int64(len(b))
	if end <= m.f.BreakAfter {
		n, err := m.ResponseWriter.Write(b)
		m.n += int64(n)
		return n, err
	}
	keep := max(m.f.BreakAfter-m.n, 0)
	switch {
	case m.f.Flip:
		if m.n <= m.f.BreakAfter {
			b = append([]byte(nil), b...)
			b[keep] ^= 1
		}
		n, err := m.ResponseWriter.Write(b)
		m.n += int64(n)
		return n, err
	case m.f.Truncate:
		_, _ = m.ResponseWriter.Write(b[:keep])
		m.n = end
		return len(b), nil
	default:
		_, _ = m.ResponseWriter.Write(b[:keep])
		_ = http.NewResponseController(m.ResponseWriter).Flush()
		if m.f.Stall != nil {
			<-m.f.Stall
		}
		panic(http.ErrAbortHandler)
	}
}
