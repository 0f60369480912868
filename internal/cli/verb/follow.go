package verb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	kubeterm "k8s.io/kubectl/pkg/util/term"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// followOptions repeat a check whenever something changed.
type followOptions struct {
	Watch   bool
	Timeout time.Duration
	// RecheckEvery is how often time-dependent results are refreshed.
	// The default is 30 seconds.
	RecheckEvery time.Duration
}

func (o *followOptions) addFlags(fs *pflag.FlagSet, usage string) {
	fs.BoolVarP(&o.Watch, "watch", "w", false, usage)
	fs.DurationVar(&o.Timeout, "timeout", 0, "time limit of --watch, such as 30m (default: no limit)")
}

const (
	// minInterval is the minimum time between two snapshots, however much changes, and
	// patience the minimum wait as a multiple of a snapshot's duration.
	minInterval    = time.Second
	intervalFactor = 1
	// reconnectDelay is the delay before reconnecting.
	reconnectDelay  = 3 * time.Second
	recheckInterval = 30 * time.Second
)

// validate wants the flags to fit each other.
func (o *followOptions) validate() error {
	if o.Timeout != 0 && !o.Watch {
		return term.WithHint(fmt.Errorf("--timeout %s requires --watch", o.Timeout), "--watch --timeout "+o.Timeout.String())
	}
	return nil
}

// followChanges calls look now and after every change, until it says
// that it is done or the time is out. Nothing is polled but for what depends on
// the clock. A cluster that was seen and cannot be reached any more is waited
// for, and so is a namespace that has nothing of AIStor yet; p.ErrOut says so.
func (o *followOptions) followChanges(ctx context.Context, p *term.Program, client *cluster.Client, scope cluster.Scope, look func(context.Context) (found *plan.Facts, done bool, err error)) error {
	looking := ctx
	if o.Timeout > 0 {
		var cancel context.CancelFunc
		looking, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	err := o.followUntilDone(looking, p, client, scope, look)
	if ended := term.InterruptionError(ctx); err != nil && ended != nil {
		return ended
	}
	return err
}

// followUntilDone is follow until ctx ends.
func (o *followOptions) followUntilDone(ctx context.Context, p *term.Program, client *cluster.Client, scope cluster.Scope, look func(context.Context) (found *plan.Facts, done bool, err error)) error {
	w := changeWatcher{Program: p, client: client}
	defer w.stopWatches()
	for {
		began := time.Now()
		found, done, err := look(ctx)
		if err != nil && !w.shouldRetry(ctx, err) || done {
			return err
		}
		w.watchNamespaces(ctx, watchedNamespaces(found, scope))
		least := minInterval
		if err != nil {
			least = reconnectDelay
		}
		if err := backoff.Sleep(ctx, min(max(least, intervalFactor*time.Since(began)), recheckInterval)); err != nil {
			return err
		}
		if err != nil {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.changes.Changed():
		case <-time.After(cmp.Or(o.RecheckEvery, recheckInterval)):
		}
	}
}

// changeWatcher takes snapshots of a changing set of namespaces.
type changeWatcher struct {
	*term.Program
	client     *cluster.Client
	changes    *cluster.ChangeNotifier
	namespaces []string
	// seen says that a snapshot succeeded, waiting that the last one did not.
	seen, waiting bool
}

// shouldRetry reports whether a failed snapshot is retried, and prints that once.
func (w *changeWatcher) shouldRetry(ctx context.Context, err error) bool {
	var lost *cluster.ConnectError
	var nothing *option.NothingError
	switch {
	case ctx.Err() != nil:
		return false
	case errors.As(err, &nothing):
	case errors.As(err, &lost) && lost.Reason == cluster.Unreachable && w.seen:
	default:
		return false
	}
	if !w.waiting {
		term.PrintLine(w.ErrOut, "%s waiting: %s", w.Now().Format(time.TimeOnly), option.WrapText(term.SanitizeText(err.Error()), 62, "                  "))
	}
	w.waiting = true
	return true
}

// watchNamespaces follows these namespaces, nil being those of before.
func (w *changeWatcher) watchNamespaces(ctx context.Context, namespaces []string) {
	if namespaces == nil {
		return
	}
	if w.waiting {
		term.PrintLine(w.ErrOut, "%s connected, watching", w.Now().Format(time.TimeOnly))
	}
	w.seen, w.waiting = true, false
	if slices.Equal(namespaces, w.namespaces) {
		return
	}
	w.stopWatches()
	w.changes, w.namespaces = w.client.WatchChanges(ctx, namespaces), namespaces
}

func (w *changeWatcher) stopWatches() {
	if w.changes != nil {
		w.changes.Stop()
	}
}

// watchedNamespaces are those whose changes matter; nil where nothing was
// found out.
func watchedNamespaces(f *plan.Facts, scope cluster.Scope) []string {
	switch {
	case f == nil:
		return nil
	case scope.SingleNamespace != "":
		return []string{scope.SingleNamespace}
	}
	var list []string
	if f.Operator != nil {
		list = append(list, f.Operator.Namespace)
	}
	for _, s := range f.Stores {
		list = append(list, s.Namespace)
	}
	if len(list) == 0 {
		list = append(list, aistor.DefaultOperatorNamespace)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// screen shows one text after the other: in place of the last one on a
// terminal, below it elsewhere.
type screen struct {
	out    io.Writer
	redraw bool
	height int
	shown  bool
}

func newScreen(p *term.Program) *screen {
	s := &screen{out: p.Out, redraw: p.IsTTY(p.Out)}
	if s.redraw {
		if size := (kubeterm.TTY{Out: term.Unwrap(p.Out).(io.Writer)}).GetSize(); size != nil {
			s.height = int(size.Height)
		}
	}
	return s
}

// withColor is w with the colours of the screen.
func (s *screen) withColor(w io.Writer) io.Writer {
	if _, ok := s.out.(term.ColorWriter); ok {
		return term.ColorWriter{Writer: w}
	}
	return w
}

// clearScreen clears the screen before permanent output.
func (s *screen) clearScreen() {
	if s.redraw && s.shown {
		fmt.Fprint(s.out, "\x1b[H\x1b[J")
	}
}

// showText writes a text. Of one that is higher than the terminal the end is left
// out: what matters stands first.
func (s *screen) showText(text string, table bool) {
	if !s.redraw || !table {
		if s.shown && table {
			fmt.Fprintln(s.out)
		}
		s.shown = true
		fmt.Fprint(s.out, text)
		return
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if s.height > 2 && len(lines) > s.height-1 {
		lines = append(lines[:s.height-2], "…")
	}
	s.shown = true
	fmt.Fprint(s.out, "\x1b[H"+strings.Join(lines, "\x1b[K\n")+"\x1b[K\n\x1b[J")
}
