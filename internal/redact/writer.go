package redact

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync"
)

// Writer takes secrets out of a stream. What is written is held back to the end
// of its line, so that a secret is found also where it comes in pieces. Only a
// question ("[y/N] ") and what is drawn again on the same line of a terminal
// pass at once. It is safe for concurrent use. [Writer.Flush] writes what is
// still held back.
type Writer struct {
	redactor *Redactor

	mu      sync.Mutex
	to      io.Writer
	pending []byte
	// line is what is shown of a line that has no end yet: it may name what comes
	// behind it.
	line string
}

// Writer is a stream to w without secrets.
func (r *Redactor) Writer(w io.Writer) *Writer { return &Writer{redactor: r, to: w} }

// Unwrap is the stream behind: only that can be a terminal, and only there a
// user's own files go that were asked for as they are.
func (w *Writer) Unwrap() io.Writer { return w.to }

// Redactor is the one whose secrets are taken out.
func (w *Writer) Redactor() *Redactor { return w.redactor }

// Documents is a writer to the same stream for documents that went through
// [Redactor.Object]: only known values are taken out of what it writes.
func (w *Writer) Documents() io.Writer { return documentWriter{w} }

type documentWriter struct{ *Writer }

// Write takes whole documents.
func (w documentWriter) Write(p []byte) (int, error) {
	if err := w.Flush(); err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := io.WriteString(w.to, w.redactor.Known(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// maxPending bounds what is held back, so that a stream without ends of lines does
// not fill the memory.
const maxPending = 1 << 20

// asks is the end of a question, and of what is drawn on a terminal: a control
// sequence, or the rollback to the beginning of the line.
var asks = regexp.MustCompile(`(?:[:?>\])] |\r|\x1b\[[0-9;?]*[A-Za-z])$`)

// Write is an [io.Writer]'s. The error is that of the stream behind.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, p...)
	if err := w.writePending(writableLength(w.pending)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what is held back.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writePending(len(w.pending))
}

// writePending passes the first n bytes of what is pending on.
func (w *Writer) writePending(n int) error {
	if n == 0 {
		return nil
	}
	text := w.redactor.Text(w.line + string(w.pending[:n]))
	shown := text[common(text, w.line):]
	if w.line = text[strings.LastIndexAny(text, "\n\r")+1:]; len(w.line) > longest {
		w.line = ""
	}
	w.pending = append(w.pending[:0], w.pending[n:]...)
	_, err := io.WriteString(w.to, shown)
	return err
}

// common is how many bytes two texts begin with alike.
func common(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// writableLength is how much of b can be written. A block in PEM stays together.
func writableLength(b []byte) int {
	n := bytes.LastIndexByte(b, '\n') + 1
	rest := b[n:]
	if asks.Match(rest[max(0, len(rest)-32):]) || len(b) > maxPending {
		n = len(b)
	}
	if begin := bytes.LastIndex(b[:n], []byte("-----BEGIN ")); begin >= 0 && !bytes.Contains(b[begin:n], []byte("-----END ")) && len(b) <= maxPending {
		return begin
	}
	return n
}
