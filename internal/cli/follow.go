package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/pause"
)

// followOptions look again whenever something changed.
type followOptions struct {
	watch   bool
	timeout time.Duration
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
	// judged is how often what depends on the time alone is looked at anew.
	judged = 30 * time.Second
)

// follow calls look now and after every change of what scope covers, until it
// says that it is done or the time is out. Nothing is polled but for what
// depends on the clock.
func (o *followOptions) follow(ctx context.Context, client *cluster.Client, scope cluster.Scope, look func(context.Context) (done bool, err error)) error {
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	namespaces, err := o.namespaces(ctx, client, scope)
	if err != nil {
		return err
	}
	changes := client.Changes(ctx, namespaces)
	defer changes.Stop()
	for {
		began := time.Now()
		done, err := look(ctx)
		if err != nil || done {
			return err
		}
		if err := pause.For(ctx, min(max(quietest, patience*time.Since(began)), judged)); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changes.C():
		case <-time.After(judged):
		}
	}
}

// namespaces are those whose changes matter.
func (o *followOptions) namespaces(ctx context.Context, client *cluster.Client, scope cluster.Scope) ([]string, error) {
	if scope.Only != "" {
		return []string{scope.Only}, nil
	}
	f, err := client.Facts(ctx, scope)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var list []string
	add := func(ns string) {
		if !seen[ns] {
			seen[ns] = true
			list = append(list, ns)
		}
	}
	if f.Operator != nil {
		add(f.Operator.Namespace)
	}
	for _, s := range f.Stores {
		add(s.Namespace)
	}
	if len(list) == 0 {
		add(aistor.DefaultOperatorNamespace)
	}
	return list, nil
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
		out := p.Out
		if painted, ok := out.(painter); ok {
			out = painted.Writer
		}
		if f, ok := out.(*os.File); ok {
			_, s.height, _ = term.GetSize(int(f.Fd()))
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
