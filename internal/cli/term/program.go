package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
)

// ReadFile reads a file, or standard input for "-".
func (p *Program) ReadFile(name string) ([]byte, error) {
	if name == "-" {
		return readAll(p.In)
	}
	return os.ReadFile(name)
}

// readAll reads standard input to its end.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	return b, nil
}

// DescribeError is [describe] with hints that mean the cluster in use.
func (p *Program) DescribeError(err error) string {
	text := ErrorText(err)
	before, hint, found := strings.Cut(text, "\nhint: ")
	if !found || p.WithContext == nil {
		return text
	}
	return before + "\n" + p.WithContext("hint: "+hint)
}

// Program is the process as the verbs see it.
type Program struct {
	genericiooptions.IOStreams
	// Getenv reads the environment.
	Getenv func(string) string
	// Now is the clock.
	Now func() time.Time
	// Version of this program, without a leading v.
	Version string
	// Args are the arguments of this run, to say how it is repeated. No flag
	// takes a secret.
	Args []string
	// CompletionTimeout bounds how long a completion waits for a cluster. The default
	// is 3 seconds.
	CompletionTimeout time.Duration

	// IgnoreSIGPIPE, where set, makes a write to where nobody reads an error: it kills
	// the process otherwise, also one that is changing a cluster.
	IgnoreSIGPIPE func()

	// Limits bound how long servers may stay silent. The zero value has the
	// defaults.
	Limits  httptimeout.Limits
	noColor bool
	// WithContext makes the commands of a hint mean the cluster in use; nil before
	// a plugin's verbs are made.
	WithContext func(hint string) string
	// secrets are what this run takes out of its output; see redactor.
	secrets *redact.Redactor
	// bars are what is drawn at the moment; what is said meanwhile goes above.
	// Run makes it.
	bars *atomic.Pointer[mpb.Progress]
	// changing counts changes under way, and interrupted is closed once the user
	// wants an end. Run makes both.
	changing    *atomic.Int32
	interrupted <-chan struct{}
}

// Run parses args, runs the verb, prints its error and returns the exit code.
// The context's cancellation is an interruption by the user.
func (p *Program) Run(ctx context.Context, root *cobra.Command, args []string) int {
	p.Args, p.bars = args, new(atomic.Pointer[mpb.Progress])
	p.changing, p.interrupted = new(atomic.Int32), ctx.Done()
	p.In = &interruptibleReader{p.In, ctx}
	flush := p.redactStreams()
	p.learnEnvironment()
	root.SetArgs(args)
	root.SetIn(p.In)
	root.SetOut(p.Out)
	root.SetErr(p.ErrOut)
	root.SilenceErrors, root.SilenceUsage = true, true
	err := abandonable(ctx, func() bool { return p.changing.Load() > 0 }, func() error { return root.ExecuteContext(ctx) })
	code := ExitOK
	if err != nil {
		code = ExitCode(ctx, err)
	}
	// What is said last may have nobody any more who reads it.
	_ = abandonable(ctx, func() bool { return false }, func() error {
		defer flush()
		if err != nil {
			p.sayError(ctx, err, code)
		}
		return nil
	})
	return code
}

// sayError prints how a verb failed.
func (p *Program) sayError(ctx context.Context, err error, code int) {
	text := p.DescribeError(err)
	if code == ExitInterrupted { // in the words of whoever pressed Ctrl-C
		words := []string{context.Canceled.Error(), "interrupted"}
		if cause := context.Cause(ctx); cause != nil { // a closed pipe interrupts without it
			words = append([]string{cause.Error(), "interrupted"}, words...)
		}
		text = strings.NewReplacer(words...).Replace(text)
	}
	if text != "" {
		fmt.Fprintln(p.ErrOut, text)
	}
}

// IsInteractive reports whether a person can be asked: both the answers and the
// questions go through a terminal.
func (p *Program) IsInteractive() bool { return isTerminal(p.In) && isTerminal(p.ErrOut) }

// isTerminal reports whether a stream is a terminal that understands control
// sequences.
func isTerminal(stream any) bool {
	return printers.IsTerminal(Unwrap(stream))
}

// IsTTY reports whether progress may redraw itself on a stream.
func (p *Program) IsTTY(stream io.Writer) bool {
	return isTerminal(stream) && p.Getenv("TERM") != "dumb"
}

// StatusLine shows what is being done on a terminal's last line, until end; a
// stream that is not a terminal shows nothing of it.
func (p *Program) StatusLine() (say func(format string, args ...any), end func()) {
	if !p.IsTTY(p.ErrOut) {
		return func(string, ...any) {}, func() {}
	}
	return func(format string, args ...any) {
			fmt.Fprint(p.ErrOut, "\r"+message.Sprintf(format, args...)+"\x1b[K")
		},
		func() { fmt.Fprint(p.ErrOut, "\r\x1b[K") }
}

// ErrorText is how an error is shown: what failed, its cause, and last the
// command that helps.
func ErrorText(err error) string {
	var silent *SilentError
	if errors.As(err, &silent) {
		return ""
	}
	return redact.Text(withHintOf(err, "error: "+message.Text(err)))
}

// withHintOf adds what the cause itself advises. Where the text already says
// how to continue, that comes second.
func withHintOf(err error, text string) string {
	var hinted interface{ Hint() string }
	if !errors.As(err, &hinted) || hinted.Hint() == "" {
		return text
	}
	hint := message.Block(hinted.Hint())
	if strings.Contains(text, hint) {
		return text
	}
	before, after, found := strings.Cut(text, "\nhint: ")
	if !found {
		return text + "\nhint: " + hint
	}
	return before + "\nhint: " + hint + "\nthen: " + after
}
