package display

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	kubeterm "k8s.io/kubectl/pkg/util/term"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// waitTable is the table below the lines of an upgrade while it waits: what is
// updated and ready, and what it waits for and why. It is drawn again every
// second and leaves nothing behind. It is safe for concurrent use.
type waitTable struct {
	out  io.Writer
	size func() (width, height int)
	now  func() time.Time

	mu    sync.Mutex
	ev    *upgrade.Event // nil while nothing is waited for
	since time.Time
	drawn int // lines on the screen
	stop  chan struct{}
	done  sync.WaitGroup
}

// newWaitTable begins to draw on a terminal; nil where p.Out is none.
func newWaitTable(p *term.Program) *waitTable {
	f, ok := term.Unwrap(p.Out).(*os.File)
	if !ok || !p.IsTTY(p.Out) {
		return nil
	}
	l := &waitTable{out: term.RedrawStream(p.Out), now: p.Now, stop: make(chan struct{}), size: func() (int, int) {
		size := kubeterm.TTY{Out: f}.GetSize()
		if size == nil {
			return 80, 24
		}
		return int(size.Width), int(size.Height)
	}}
	l.done.Go(l.drawPeriodically)
	return l
}

func (l *waitTable) drawPeriodically() {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-t.C:
			l.mu.Lock()
			l.drawTable()
			l.mu.Unlock()
		}
	}
}

// close takes the table away for good.
func (l *waitTable) close() {
	if l == nil {
		return
	}
	close(l.stop)
	l.done.Wait()
	l.printAbove(func() {})
}

// showWaiting shows what an event waits for.
func (l *waitTable) showWaiting(ev upgrade.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ev == nil || l.ev.Step != ev.Step {
		l.since = l.now()
	}
	l.ev = &ev
	l.drawTable()
}

// printAbove lets print write lines where the table was; it comes back with the next
// tick, unless the wait is over.
func (l *waitTable) printAbove(print func()) {
	if l == nil {
		print()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.eraseTable()
	print()
}

// endWait ends the wait.
func (l *waitTable) endWait() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.eraseTable()
	l.ev = nil
}

func (l *waitTable) eraseTable() {
	if l.drawn > 0 {
		fmt.Fprintf(l.out, "\x1b[%dA\x1b[J", l.drawn)
		l.drawn = 0
	}
}

func (l *waitTable) drawTable() {
	if l.ev == nil {
		return
	}
	width, height := l.size()
	lines := waitLines(*l.ev, l.now().Sub(l.since), max(height-2, 3))
	l.eraseTable()
	for _, s := range lines {
		fmt.Fprintln(l.out, truncateLine(s, width-1))
	}
	l.drawn = len(lines)
}

// waitLines are the lines of the table, at most that many.
func waitLines(ev upgrade.Event, waited time.Duration, most int) []string {
	lines := []string{"", fmt.Sprintf("  waiting in %s for %s", ev.Step, waited.Round(time.Second))}
	rows := workloadRows(ev)
	reasons := ev.Waiting
	room := most - len(lines)
	if len(rows) > 0 {
		rows = cutRows(rows, max(room/2, 2))
		var b strings.Builder
		option.WriteTable(&b, []string{"  WORKLOAD", "UPDATED", "READY", "HEALTH"}, rows)
		lines = append(lines, strings.Split(strings.TrimRight(b.String(), "\n"), "\n")...)
	}
	for i, w := range reasons {
		if len(lines) == most-1 && i < len(reasons)-1 {
			return append(lines, fmt.Sprintf("  … and %d more", len(reasons)-i))
		}
		if len(lines) < most {
			lines = append(lines, "  · "+term.SanitizeText(w))
		}
	}
	return lines
}

// workloadRows are the workloads that a step may be waiting for: the operator's in
// its own step, and the stores'.
func workloadRows(ev upgrade.Event) [][]string {
	if ev.Facts == nil {
		return nil
	}
	health := map[string]string{}
	for _, s := range ev.Facts.Stores {
		health[s.Key()] = s.Health
	}
	var rows [][]string
	for _, w := range ev.Facts.Workloads {
		if of, one := strings.CutPrefix(ev.Step, "store-"); one && of != strings.Replace(w.Store, "/", "-", 1) && of != strings.Replace(w.Store, "/", ".", 1) {
			continue
		}
		rows = append(rows, []string{
			"  " + w.Namespace + "/" + w.Name, fmt.Sprintf("%d of %d", updatedPods(ev.Facts, w), w.Replicas),
			fmt.Sprintf("%d of %d", w.Ready, w.Replicas), cmp.Or(health[w.Store], "-"),
		})
	}
	return rows
}

// updatedPods counts the pods that carry the newest revision where the status does
// not: under OnDelete.
func updatedPods(f *plan.Facts, w plan.Workload) int {
	if w.Strategy != "OnDelete" {
		return w.Updated
	}
	n := 0
	for p := range f.PodsOf(w) {
		if p.Revision == w.UpdateRevision && p.Terminating.IsZero() {
			n++
		}
	}
	return n
}

func cutRows(rows [][]string, most int) [][]string {
	if len(rows) <= most {
		return rows
	}
	return append(rows[:most-1:most-1], []string{fmt.Sprintf("  … and %d more", len(rows)-most+1), "", "", ""})
}

// truncateLine cuts a line to a width in characters.
func truncateLine(s string, width int) string {
	if utf8.RuneCountInString(s) <= width || width < 2 {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}
