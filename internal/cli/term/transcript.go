package term

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

// Transcript is a file with what was shown, line by line with the time, without
// secrets. It is safe for concurrent use.
type Transcript struct {
	Name string
	now  func() time.Time
	mask func(string) string

	Lock sync.Mutex
	f    *os.File
	tees []*teeWriter
	err  error
	// OnBrokenPipe, where set, is called once a stream has nobody at its other end any
	// more. What is said then is in the file alone.
	OnBrokenPipe func()
}

// OpenTranscript appends to the file, so that all attempts are
// in one.
func OpenTranscript(name string, now func() time.Time, mask func(string) string) (*Transcript, error) {
	err := os.MkdirAll(filepath.Dir(name), 0o700)
	if err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	f, err := safefile.OpenOwn(name, os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening log: %w", err)
	}
	return &Transcript{Name: name, now: now, mask: mask, f: f}, nil
}

// WriteText writes text that was not shown through a tee.
func (t *Transcript) WriteText(text string) {
	t.Lock.Lock()
	defer t.Lock.Unlock()
	for l := range strings.Lines(text) {
		t.writeLine(l)
	}
}

// writeLine is called with the lock held. A full disk must not end an upgrade: the
// first error is told by close.
func (t *Transcript) writeLine(s string) {
	s = strings.TrimRight(s, "\r\n")
	if i := strings.LastIndexByte(s, '\r'); i >= 0 {
		s = s[i+1:] // what a terminal would show
	}
	s = controlSequence.ReplaceAllString(s, "")
	if strings.TrimSpace(s) == "" {
		return
	}
	if _, err := fmt.Fprintf(t.f, "%s %s\n", t.now().UTC().Format(time.RFC3339), SanitizeText(t.mask(s))); t.err == nil {
		t.err = err
	}
}

// controlSequence finds what moves the cursor or sets colours; it holds no state.
var controlSequence = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// Close writes what has no end of line yet.
func (t *Transcript) Close() error {
	t.Lock.Lock()
	defer t.Lock.Unlock()
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

// TeeTo is a writer to w whose lines are written down too.
func (t *Transcript) TeeTo(w io.Writer) io.Writer {
	if p, ok := w.(ColorWriter); ok { // colours are decided outside
		return ColorWriter{t.TeeTo(p.Writer)}
	}
	tw := &teeWriter{Writer: w, t: t}
	t.tees = append(t.tees, tw)
	return tw
}

// teeWriter hides nothing of the stream behind it: see [behind].
type teeWriter struct {
	io.Writer
	t    *Transcript
	open bytes.Buffer // a line without its end
}

// Write passes p on first: what is shown does not wait for the log.
func (w *teeWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.t.Lock.Lock()
	defer w.t.Lock.Unlock()
	w.open.Write(p)
	if w.t.OnBrokenPipe != nil && (errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO)) {
		w.t.OnBrokenPipe()
	}
	for {
		i := bytes.IndexByte(w.open.Bytes(), '\n')
		if i < 0 {
			return n, err
		}
		w.t.writeLine(string(w.open.Next(i + 1)))
	}
}

// LogWriter is the log that a stream is written down in, nil where there is none.
func LogWriter(w io.Writer) io.Writer {
	switch v := w.(type) {
	case ColorWriter:
		return LogWriter(v.Writer)
	case *teeWriter:
		return logOnly{v.t}
	}
	return nil
}

// logOnly writes what is not shown.
type logOnly struct{ t *Transcript }

// Write takes whole lines.
func (w logOnly) Write(p []byte) (int, error) {
	w.t.WriteText(string(p))
	return len(p), nil
}

// Unwrap is the stream itself, where it is wrapped to show colours, to be logged
// or to be interrupted: only that can be a terminal.
func Unwrap(w any) any {
	for {
		switch v := w.(type) {
		case ColorWriter:
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
