package redact

import (
	"bytes"
	"io"
	"regexp"
	"sync"
)

// Writer takes secrets out of a stream. What is written is held back to the end
// of its line, so that a secret is found also where it comes in pieces; a line
// that ends in a space is a question, and one that ends in a control sequence a
// state that is drawn again, so that both pass at once. It is safe for
// concurrent use. [Writer.Flush] writes what is still held back.
type Writer struct {
	redactor *Redactor

	mu      sync.Mutex
	to      io.Writer
	pending []byte
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
	if _, err := io.WriteString(w.to, w.redactor.known().replace(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// held bounds what is held back, so that a stream without ends of lines does
// not fill the memory.
const held = 1 << 20

// drawing is a control sequence at the end: what moves the cursor on a terminal.
var drawing = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]$`)

// Write is an [io.Writer]'s. The error is that of the stream behind.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, p...)
	if err := w.write(passable(w.pending)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what is held back.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.write(len(w.pending))
}

// write passes the first n bytes of what is pending on.
func (w *Writer) write(n int) error {
	if n == 0 {
		return nil
	}
	text := w.redactor.Text(string(w.pending[:n]))
	w.pending = append(w.pending[:0], w.pending[n:]...)
	_, err := io.WriteString(w.to, text)
	return err
}

// passable is how much of b can be written. A block in PEM stays together.
func passable(b []byte) int {
	n := bytes.LastIndexByte(b, '\n') + 1
	rest := b[n:]
	if bytes.HasSuffix(rest, []byte(" ")) || bytes.HasSuffix(rest, []byte("\r")) || drawing.Match(rest) || len(b) > held {
		n = len(b)
	}
	if begin := bytes.LastIndex(b[:n], []byte("-----BEGIN ")); begin >= 0 && !bytes.Contains(b[begin:n], []byte("-----END ")) && len(b) <= held {
		return begin
	}
	return n
}
