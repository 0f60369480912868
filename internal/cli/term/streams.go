package term

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
)

// Redactor knows the secrets of this run. Whatever the program shows, stores or
// sends to a log passes through it.
func (p *Program) Redactor() *redact.Redactor {
	if p.secrets == nil {
		p.secrets = redact.New()
	}
	return p.secrets
}

// redactStreams takes secrets out of everything that is shown from here on. The
// result ends that, and writes what is still held back.
func (p *Program) redactStreams() (end func()) {
	streams := p.IOStreams
	out, errOut := p.Redactor().Writer(p.Out), p.Redactor().Writer(p.ErrOut)
	p.Out, p.ErrOut = out, errOut
	return func() {
		_ = out.Flush()
		_ = errOut.Flush()
		p.IOStreams = streams
	}
}

// learnEnvironment teaches the logins in the environment: those of proxies, and
// what Helm hands over.
func (p *Program) learnEnvironment() {
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"} {
		p.Redactor().AddText(p.Getenv(name))
	}
	p.Redactor().AddValue(p.Getenv("HELM_KUBETOKEN"))
}

// redactingWriter is the writer in w that takes secrets out; nil where there is none.
func redactingWriter(w any) *redact.Writer {
	for {
		switch v := w.(type) {
		case ColorWriter:
			w = v.Writer
		case *teeWriter:
			w = v.Writer
		case *redact.Writer:
			return v
		default:
			return nil
		}
	}
}

// RedrawStream is the stream for what is drawn again and again on a terminal: without
// secrets, and not in the log.
func RedrawStream(w io.Writer) io.Writer {
	if g := redactingWriter(w); g != nil {
		return g
	}
	return Unwrap(w).(io.Writer)
}

// UnredactedStream is the stream for what a user asked to have as it is, with the
// secrets in it: his own values.
func UnredactedStream(w io.Writer) io.Writer {
	if g := redactingWriter(w); g != nil {
		_ = g.Flush()
		return g.Unwrap()
	}
	return w
}

// DocumentStream is the stream for documents whose texts are redacted already: what
// looks like an assignment across their braces and quotes is none.
func DocumentStream(w io.Writer) io.Writer {
	if g := redactingWriter(w); g != nil {
		return g.Documents()
	}
	return w
}

// EncodeDocument is doc in JSON without secrets.
func EncodeDocument(w io.Writer, doc any) ([]byte, error) {
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("writing document: %w", err)
	}
	var secrets *redact.Redactor
	if g := redactingWriter(w); g != nil {
		secrets = g.Redactor()
	}
	return secrets.JSON(b)
}
