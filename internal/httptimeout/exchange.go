package httptimeout

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// exchange is the clock of one request. It runs only while the server is
// waited for, and not while its client or the source of an upload is.
type exchange struct {
	kind   Kind
	limits Limits
	cancel context.CancelCauseFunc
	tell   func(Silence)
	server string
	asked  string

	mu    sync.Mutex
	timer *time.Timer
	ended bool
	err   *Error
	// limit is the one that holds now, and what is said when it is reached.
	limit time.Duration
	what  string
	// since is when the wait began, zero while the clock rests; before is what
	// was waited since the last byte before that.
	since  time.Time
	before time.Duration
	notice time.Duration
	// window is what was waited since the last leastBytes began, and got what
	// came of them.
	window time.Duration
	got    int64
	// sends says that the request has a body, answering that the answer's header
	// has come, and begun that a byte of its body has.
	sends, answering, begun bool
}

func newExchange(t *Transport, r *http.Request, kind Kind, cancel context.CancelCauseFunc) *exchange {
	e := &exchange{kind: kind, limits: t.Limits.WithDefaults(), cancel: cancel, tell: t.OnSilence, server: r.URL.Host, asked: r.Method + " " + r.URL.Path}
	if t.Server != nil {
		e.server = t.Server(r)
	}
	e.sends = r.Body != nil && r.Body != http.NoBody
	return e
}

// connecting covers everything up to the request's last byte: names, proxies,
// handshakes.
func (e *exchange) connecting() { e.start(e.headerLimit(), "no data was received within %s") }

// headerLimit is how long a small answer may take to begin.
func (e *exchange) headerLimit() time.Duration {
	if e.kind == Watch {
		return e.limits.Watch
	}
	return e.limits.Silence
}

// sending continues after a part of the request's body was handed over.
func (e *exchange) sending() { e.start(e.limits.Silence, "it accepted no data for %s") }

// sent begins the wait for the answer. A request without a body has been
// connecting until now, which is part of the same wait.
func (e *exchange) sent() {
	switch {
	case e.kind == Content || e.kind == Upload:
		e.start(e.limits.FirstByte, "no data was received within %s")
	case e.sends:
		e.start(e.limits.Silence, "no data was received within %s")
	}
}

// answered ends the wait for the header. What remains of the wait for the first
// byte of content continues when somebody reads it.
func (e *exchange) answered(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if status >= http.StatusMultipleChoices && e.kind == Content {
		e.kind = Small
	}
	waited := e.waited()
	e.rest()
	e.answering, e.before, e.notice = true, 0, e.limits.Notice
	switch e.kind {
	case Content:
		e.before, e.limit, e.what = waited, e.limits.FirstByte, "no data was received within %s"
	case Watch:
		e.limit = e.limits.Watch
	default:
		e.limit, e.what = e.limits.Silence, "its response stalled for %s"
	}
}

// reading starts the clock for the next bytes of the answer.
func (e *exchange) reading() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return
	}
	e.since = time.Now()
	e.arm()
}

// received stops it.
func (e *exchange) received(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.since.IsZero() {
		return
	}
	waited := e.waited()
	e.window += waited - e.before
	e.rest()
	e.before = waited
	if n == 0 {
		return
	}
	e.before, e.notice = 0, e.limits.Notice
	e.got += int64(n)
	if !e.begun && e.kind == Content {
		e.limit, e.what, e.window = e.limits.Silence, "its response stalled for %s", 0
	}
	e.begun = true
	if e.got >= e.limits.leastBytes() {
		e.got, e.window = 0, 0
	}
}

// start begins a wait again.
func (e *exchange) start(limit time.Duration, what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended || e.answering {
		return
	}
	e.limit, e.what = limit, what
	e.since, e.before, e.notice = time.Now(), 0, e.limits.Notice
	e.arm()
}

// pause lets the clock rest until the next start.
func (e *exchange) pause() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.answering { // some answers come before the end of the question
		e.rest()
	}
}

// waited is how long there has been no byte. The lock is held, as in what
// follows.
func (e *exchange) waited() time.Duration {
	if e.since.IsZero() {
		return e.before
	}
	return e.before + time.Since(e.since)
}

func (e *exchange) rest() {
	e.since = time.Time{}
	if e.timer != nil {
		e.timer.Stop()
	}
}

// left is how much of the limit remains, and the limit that is reached first.
func (e *exchange) left() (time.Duration, time.Duration, string) {
	left, limit, what := e.limit-e.waited(), e.limit, e.what
	if !e.answering || e.got == 0 || e.kind == Watch || e.kind == Content && !e.begun {
		return left, limit, what
	}
	window := e.limits.Silence
	if e.kind == Content { // a proxy that scans may let drops through meanwhile
		window = max(window, e.limits.FirstByte)
	}
	if slow := window - e.window - time.Since(e.since); slow < left {
		return slow, window, fmt.Sprintf("it sent only %d bytes within ", e.got) + "%s"
	}
	return left, limit, what
}

// tells is false for a watch in which nothing happens: that is how it should be.
func (e *exchange) tells() bool { return e.tell != nil && !(e.kind == Watch && e.answering) }

// arm sets the timer to the next moment at which something is due.
func (e *exchange) arm() {
	left, _, _ := e.left()
	if e.tells() {
		left = min(left, e.notice-e.waited())
	}
	if e.timer == nil {
		e.timer = time.AfterFunc(left, e.due)
		return
	}
	e.timer.Reset(max(left, 0))
}

// due ends the request or tells of the wait, and otherwise waits on.
func (e *exchange) due() {
	e.mu.Lock()
	if e.ended || e.since.IsZero() {
		e.mu.Unlock()
		return
	}
	left, limit, what := e.left()
	if left <= 0 {
		e.err = &Error{Server: e.server, Request: e.asked, Settable: limit == e.limits.FirstByte, watch: e.kind == Watch, what: fmt.Sprintf(what, limit)}
		e.ended = true
		e.mu.Unlock()
		e.cancel(e.err)
		return
	}
	var said *Silence
	if waited := e.waited(); e.tells() && waited >= e.notice {
		said = &Silence{Server: e.server, Request: e.asked, For: waited, Limit: limit}
		e.notice = waited + noticeAgain
	}
	e.arm()
	e.mu.Unlock()
	if said != nil {
		e.tell(*said)
	}
}

// failure is why the request was ended, nil where it was not.
func (e *exchange) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		return nil
	}
	return e.err
}

// end stops the clock for good and frees the context.
func (e *exchange) end() {
	e.release()
	e.cancel(nil)
}

// release stops the clock for good and leaves the connection to others.
func (e *exchange) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ended = true
	e.rest()
}
