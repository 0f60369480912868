package cli

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
	"k8s.io/kubectl/pkg/util/term"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/pause"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// followOptions look again whenever something changed.
type followOptions struct {
	watch   bool
	timeout time.Duration
	// judged is how often what depends on the time alone is looked at anew.
	// The default is 30 seconds.
	judged time.Duration
}

func (o *followOptions) addFlags(fs *pflag.FlagSet, usage string) {
	fs.BoolVarP(&o.watch, "watch", "w", false, usage)
	fs.DurationVar(&o.timeout, "timeout", 0, "how long --watch looks on, such as 30m (default: without end)")
}

const (
	// quietest is the least time between two looks, however much changes, and
	// patience how many times as long as a look took is waited at least.
	quietest = time.Second
	patience = 1
	// lostFor is how long what is lost is left alone before it is looked for.
	lostFor     = 3 * time.Second
	judgedEvery = 30 * time.Second
)

// validate wants the flags to fit each other.
func (o *followOptions) validate() error {
	if o.timeout != 0 && !o.watch {
		return withHint(fmt.Errorf("reading --timeout %s: it bounds --watch, which was not asked for", o.timeout), "--watch --timeout "+o.timeout.String())
	}
	return nil
}

// follow calls look now and after every change of what it found, until it says
// that it is done or the time is out. Nothing is polled but for what depends on
// the clock. A cluster that was seen and can't be reached any more is waited
// for, and so is a namespace that has nothing of AIStor yet; p.ErrOut says so.
func (o *followOptions) follow(ctx context.Context, p *Program, client *cluster.Client, scope cluster.Scope, look func(context.Context) (found *plan.Facts, done bool, err error)) error {
	looking := ctx
	if o.timeout > 0 {
		var cancel context.CancelFunc
		looking, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	err := o.again(looking, p, client, scope, look)
	if ended := interruption(ctx); err != nil && ended != nil {
		return ended
	}
	return err
}

// again is follow until ctx ends.
func (o *followOptions) again(ctx context.Context, p *Program, client *cluster.Client, scope cluster.Scope, look func(context.Context) (found *plan.Facts, done bool, err error)) error {
	w := watcher{Program: p, client: client}
	defer w.stop()
	for {
		began := time.Now()
		found, done, err := look(ctx)
		if err != nil && !w.waits(ctx, err) || done {
			return err
		}
		w.watch(ctx, watchedNamespaces(found, scope))
		least := quietest
		if err != nil {
			least = lostFor
		}
		if err := pause.For(ctx, min(max(least, patience*time.Since(began)), judgedEvery)); err != nil {
			return err
		}
		if err != nil {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.changes.C():
		case <-time.After(cmp.Or(o.judged, judgedEvery)):
		}
	}
}

// watcher is one look after the other at changing namespaces.
type watcher struct {
	*Program
	client     *cluster.Client
	changes    *cluster.Changes
	namespaces []string
	// seen says that a look succeeded, waiting that the last one did not.
	seen, waiting bool
}

// waits reports whether a failed look is to be repeated, and says so once.
func (w *watcher) waits(ctx context.Context, err error) bool {
	var lost *cluster.ConnectError
	var nothing *nothingError
	switch {
	case ctx.Err() != nil:
		return false
	case errors.As(err, &nothing):
	case errors.As(err, &lost) && lost.Reason == cluster.Unreachable && w.seen:
	default:
		return false
	}
	if !w.waiting {
		line(w.ErrOut, "%s waiting: %s", w.Now().Format(time.TimeOnly), wrap(printable(err.Error()), 62, "                  "))
	}
	w.waiting = true
	return true
}

// watch follows these namespaces, nil being those of before.
func (w *watcher) watch(ctx context.Context, namespaces []string) {
	if namespaces == nil {
		return
	}
	if w.waiting {
		line(w.ErrOut, "%s it is there, looking on", w.Now().Format(time.TimeOnly))
	}
	w.seen, w.waiting = true, false
	if slices.Equal(namespaces, w.namespaces) {
		return
	}
	w.stop()
	w.changes, w.namespaces = w.client.Changes(ctx, namespaces), namespaces
}

func (w *watcher) stop() {
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
	case scope.Only != "":
		return []string{scope.Only}
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

func newScreen(p *Program) *screen {
	s := &screen{out: p.Out, redraw: p.fancy(p.Out)}
	if s.redraw {
		if size := (term.TTY{Out: behind(p.Out).(io.Writer)}).GetSize(); size != nil {
			s.height = int(size.Height)
		}
	}
	return s
}

// paper is w with the colours of the screen.
func (s *screen) paper(w io.Writer) io.Writer {
	if _, ok := s.out.(painter); ok {
		return painter{w}
	}
	return w
}

// clear makes room for what is to stay.
func (s *screen) clear() {
	if s.redraw && s.shown {
		fmt.Fprint(s.out, "\x1b[H\x1b[J")
	}
}

// show writes a text. Of one that is higher than the terminal the end is left
// out: what matters stands first.
func (s *screen) show(text string, table bool) {
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
