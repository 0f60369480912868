package httptimeout

import (
	"cmp"
	"fmt"
	"time"
)

// Limits say how long a server may stay silent. The zero value has the
// defaults.
type Limits struct {
	// Silence bounds the time without a byte: until an answer begins, and in the
	// middle of every body. A body must also keep a least rate, so that one
	// that drips ends too. The default is 1 minute.
	Silence time.Duration
	// FirstByte takes the place of Silence before the first byte of content, and
	// before the answer to an upload that was sent whole: proxies scan, and
	// registries assemble, for minutes. The default is 10 minutes.
	FirstByte time.Duration
	// Watch bounds the silence of a watch, which then ends as if the server had
	// ended it, so that it is opened again. The default is a third of Silence.
	Watch time.Duration
	// Notice is the silence after which it is told. The default is 5 seconds.
	Notice time.Duration
}

const (
	// leastRate, in bytes a second, is what a body must keep on average.
	leastRate = 1 << 10
	// noticeAgain is the time between two notices of one request.
	noticeAgain = 30 * time.Second
)

// WithDefaults fills in what is unset.
func (l Limits) WithDefaults() Limits {
	l.Silence = cmp.Or(l.Silence, time.Minute)
	l.FirstByte = cmp.Or(l.FirstByte, 10*time.Minute)
	l.Watch = cmp.Or(l.Watch, l.Silence/3)
	l.Notice = cmp.Or(l.Notice, 5*time.Second)
	return l
}

// leastBytes is how much of a body must arrive within a window.
func (l Limits) leastBytes() int64 { return max(1, int64(l.Silence.Seconds()*leastRate)) }

// Kind says which limits hold for a request.
type Kind int

// The kinds of requests.
const (
	// Small is a request whose answer is made at once: metadata, a token, a list.
	Small Kind = iota
	// Content is a download that may be scanned before its first byte.
	Content
	// Upload sends content, which may be scanned or assembled before the answer.
	Upload
	// Watch is an answer without end, whose silence ends it without an error.
	Watch
	// Stream is a connection without end in which silence means nothing, such as
	// that of an exec, a port-forward or a log that is followed. It has no limits.
	Stream
)

// Silence is a wait for a server, for whoever shows it.
type Silence struct {
	// Server is its name, Request the method and the path, without the query,
	// which may hold a signature.
	Server, Request string
	// For is how long nothing has come; Limit is when that ends the request.
	For, Limit time.Duration
}

// Error says that a server stayed silent for too long. It is a timeout in the
// sense of net.Error, except for a [Watch]: client-go would silently try that
// ten times more.
type Error struct {
	Server, Request string
	// Settable says that [Limits.FirstByte] was the limit.
	Settable bool
	// what happened, as the end of a sentence
	what string
	// watch says that a watch was not answered.
	watch bool
}

// Error names the server.
func (e *Error) Error() string { return fmt.Sprintf("no response from %s: %s", e.Server, e.what) }

// Timeout makes it a timeout.
func (e *Error) Timeout() bool { return !e.watch }

// Temporary completes net.Error.
func (e *Error) Temporary() bool { return true }
