package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/safefile"
)

// transcript is a file with what was shown, line by line with the time, without
// secrets. It is safe for concurrent use.
type transcript struct {
	name string
	now  func() time.Time
	mask func(string) string

	mu   sync.Mutex
	f    *os.File
	tees []*teeWriter
	err  error
	// onBrokenPipe, where set, is called once a stream has nobody at its other end any
	// more. What is said then is in the file alone.
	onBrokenPipe func()
}

// openTranscript appends to the file, so that all attempts are
// in one.
func openTranscript(name string, now func() time.Time, mask func(string) string) (*transcript, error) {
	err := os.MkdirAll(filepath.Dir(name), 0o700)
	if err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	f, err := safefile.OpenOwn(name, os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	return &transcript{name: name, now: now, mask: mask, f: f}, nil
}

// writeText writes text that was not shown through a tee.
func (t *transcript) writeText(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for l := range strings.Lines(text) {
		t.writeLine(l)
	}
}

// writeLine is called with the lock held. A full disk must not end an upgrade: the
// first error is told by close.
func (t *transcript) writeLine(s string) {
	s = strings.TrimRight(s, "\r\n")
	if i := strings.LastIndexByte(s, '\r'); i >= 0 {
		s = s[i+1:] // what a terminal would show
	}
	s = controlSequence.ReplaceAllString(s, "")
	if strings.TrimSpace(s) == "" {
		return
	}
	if _, err := fmt.Fprintf(t.f, "%s %s\n", t.now().UTC().Format(time.RFC3339), sanitizeText(t.mask(s))); t.err == nil {
		t.err = err
	}
}

// controlSequence finds what moves the cursor or sets colours; it holds no state.
var controlSequence = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// close writes what has no end of line yet.
func (t *transcript) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, w := range t.tees {
		t.writeLine(w.open.String())
		w.open.Reset()
	}
	if err := t.f.Close(); t.err == nil {
		t.err = err
	}
	if t.err != nil {
		return fmt.Errorf("writing log: %w", t.err)
	}
	return nil
}

// teeTo is a writer to w whose lines are written down too.
func (t *transcript) teeTo(w io.Writer) io.Writer {
	if p, ok := w.(colorWriter); ok { // colours are decided outside
		return colorWriter{t.teeTo(p.Writer)}
	}
	tw := &teeWriter{Writer: w, t: t}
	t.tees = append(t.tees, tw)
	return tw
}

// teeWriter hides nothing of the stream behind it: see [behind].
type teeWriter struct {
	io.Writer
	t    *transcript
	open bytes.Buffer // a line without its end
}

// Write passes p on first: what is shown does not wait for the log.
func (w *teeWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.t.mu.Lock()
	defer w.t.mu.Unlock()
	w.open.Write(p)
	if w.t.onBrokenPipe != nil && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO)) {
		w.t.onBrokenPipe()
	}
	for {
		i := bytes.IndexByte(w.open.Bytes(), '\n')
		if i < 0 {
			return n, err
		}
		w.t.writeLine(string(w.open.Next(i + 1)))
	}
}

// logWriter is the log that a stream is written down in, nil where there is none.
func logWriter(w io.Writer) io.Writer {
	switch v := w.(type) {
	case colorWriter:
		return logWriter(v.Writer)
	case *teeWriter:
		return logOnly{v.t}
	}
	return nil
}

// logOnly writes what is not shown.
type logOnly struct{ t *transcript }

// Write takes whole lines.
func (w logOnly) Write(p []byte) (int, error) {
	w.t.writeText(string(p))
	return len(p), nil
}

// unwrap is the stream itself, where it is wrapped to show colours, to be logged
// or to be interrupted: only that can be a terminal.
func unwrap(w any) any {
	for {
		switch v := w.(type) {
		case colorWriter:
			w = v.Writer
		case *teeWriter:
			w = v.Writer
		case *redact.Writer:
			w = v.Unwrap()
		case *interruptibleReader:
			w = v.Reader
		default:
			return w
		}
	}
}
