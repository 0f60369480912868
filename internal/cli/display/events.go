package display

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
)

// EventPrinter writes the events of an upgrade as lines: one when something
// changes, and at most one every ten seconds about what is still waited for. On
// a terminal that is a table below the lines instead, and the lines about it go
// to the log alone.
type EventPrinter struct {
	W       io.Writer
	Now     func() time.Time
	table   *waitTable // nil where the output is not a terminal
	waiting string
	last    time.Time
}

// NewEventPrinter prints to the standard output of p.
func NewEventPrinter(p *term.Program) *EventPrinter {
	return &EventPrinter{W: p.Out, Now: p.Now, table: newWaitTable(p)}
}

// Close ends the table. It must be called.
func (e *EventPrinter) Close() { e.table.close() }

// HandleEvent is called by one goroutine at a time.
func (e *EventPrinter) HandleEvent(ev upgrade.Event) {
	switch ev.Kind {
	case upgrade.EventWaiting:
		if e.table != nil {
			e.table.showWaiting(ev)
		}
		e.printWaiting(ev)
		return
	case upgrade.EventProgress, upgrade.EventAlarm:
	default:
		e.table.endWait()
	}
	e.table.printAbove(func() { e.printEvent(ev) })
}

func (e *EventPrinter) printEvent(ev upgrade.Event) {
	e.waiting = ""
	mark := map[upgrade.EventKind]string{
		upgrade.EventStarted: "→", upgrade.EventDone: "✓", upgrade.EventSkipped: "-",
		upgrade.EventFailed: "✗", upgrade.EventAlarm: "!",
	}[ev.Kind]
	text := ev.Step
	if first, _, _ := strings.Cut(ev.Message, "\n"); first != "" { // an error's other lines come at the end
		text = strings.TrimPrefix(text+": "+first, ": ")
	}
	term.PrintLine(e.W, "%s %1s %s", ev.Time.Format("15:04:05"), mark, option.WrapText(term.SanitizeText(text), 68, "           "))
}

func (e *EventPrinter) printWaiting(ev upgrade.Event) {
	text := strings.Join(ev.Waiting, "\n")
	if text == e.waiting || !e.last.IsZero() && e.waiting != "" && e.Now().Sub(e.last) < term.ProgressInterval {
		return
	}
	e.waiting, e.last = text, e.Now()
	w := e.W
	if e.table != nil {
		if w = term.LogWriter(e.W); w == nil {
			return
		}
	}
	for i, one := range ev.Waiting {
		if i == 3 {
			term.PrintLine(w, "             … and %d more", len(ev.Waiting)-i)
			return
		}
		term.PrintLine(w, "           %s", option.WrapText("waiting: "+term.SanitizeText(one), 68, "             "))
	}
}

// PrintOutcome ends a run: what was done, and what was seen of availability.
func PrintOutcome(w io.Writer, o *upgrade.Outcome) {
	term.PrintLine(w, "")
	var rows [][]string
	for _, s := range o.Steps {
		took := "-"
		if !s.Started.IsZero() && !s.Ended.IsZero() {
			took = s.Ended.Sub(s.Started).Round(100 * time.Millisecond).String()
		}
		rows = append(rows, []string{s.ID, string(s.Status), took})
	}
	option.WriteTable(w, []string{"STEP", "STATUS", "TOOK"}, rows)
	if o.Backup != "" {
		term.PrintLine(w, "\nBackup       %s", o.Backup)
	}
	for _, b := range o.Backups {
		if b != o.Backup {
			term.PrintLine(w, "             %s (of a later attempt)", b)
		}
	}
	if o.PauseReason != "" {
		term.PrintLine(w, "Paused       %s", o.PauseReason)
	}
	for _, a := range o.Availability {
		term.PrintLine(w, "Availability %s", option.WrapText(describeAvailability(a), 66, "             "))
	}
	if o.Ended.After(o.Started) {
		if !o.Started.IsZero() { // it ended before it began
			term.PrintLine(w, "Took         %s", o.Ended.Sub(o.Started).Round(time.Second))
		}
	}
}

// describeAvailability is one line about what was seen of a store while its
// pods went.
func describeAvailability(a journal.Availability) string {
	text, at := fmt.Sprintf("%s: at least %d of %d pods ready", a.Store, a.LowestReady, a.Pods), ""
	if len(a.At) > 0 {
		at = " at " + strings.Join(a.At, ", then at ")
	}
	if !a.Known {
		return term.SanitizeText(text + "; the store's health endpoint could not be reached" + at)
	}
	text += fmt.Sprintf("; %d of %d probes%s failed, unavailable for %s", a.Failed, a.Probes, at, time.Duration(a.Unavailable).Round(100*time.Millisecond))
	if a.Unanswered > 0 {
		text += fmt.Sprintf("; %d probes got no response", a.Unanswered)
	}
	return term.SanitizeText(text)
}
