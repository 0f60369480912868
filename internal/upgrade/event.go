package upgrade

import (
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// EventKind says what an [Event] is about.
type EventKind string

// The kinds of events.
const (
	EventStarted  EventKind = "started"
	EventProgress EventKind = "progress"
	EventWaiting  EventKind = "waiting"
	EventDone     EventKind = "done"
	EventSkipped  EventKind = "skipped"
	EventFailed   EventKind = "failed"
	// EventAlarm is something that needs attention now.
	EventAlarm EventKind = "alarm"
)

// Event is one thing that happened. It holds no secrets.
type Event struct {
	Time time.Time `json:"time"`
	// Step is the id of the step, empty for the run as a whole.
	Step    string    `json:"step,omitempty"`
	Kind    EventKind `json:"kind"`
	Message string    `json:"message,omitempty"`
	// Waiting is what an EventWaiting waits for and why.
	Waiting []string `json:"waiting,omitempty"`
	// Facts is the state a live table is drawn from; nil where none was
	// checked.
	Facts *plan.Facts `json:"-"`
}

// Outcome is what a run did, over all its attempts. It holds no secrets.
type Outcome struct {
	// Plan is the plan's digest.
	Plan    string        `json:"plan"`
	Started time.Time     `json:"started"`
	Ended   time.Time     `json:"ended"`
	Steps   []StepOutcome `json:"steps"`
	// Changed says the cluster is no longer what it was before the plan, or
	// before the one that this run resumed.
	Changed bool `json:"changed"`
	// Remaining are the ids of steps that are still to be done.
	Remaining []string `json:"remaining,omitempty"`
	// PauseReason says why a run paused before the end.
	PauseReason string `json:"pauseReason,omitempty"`
	// Backup is the directory with the backup from before the first change. A run
	// that resumed a run of another plan has that run's here, and all in
	// Backups, the oldest first.
	Backup  string   `json:"backup,omitempty"`
	Backups []string `json:"backups,omitempty"`
	// UndoResult says what became of a failed step's chart where its rollback was
	// asked for.
	UndoResult string `json:"rollbackResult,omitempty"`
	// Validation is what the validate step said.
	Validation   string                 `json:"validation,omitempty"`
	Attempts     []journal.Attempt      `json:"attempts"`
	Availability []journal.Availability `json:"availability,omitempty"`
	// Earlier are the runs of other plans that this one resumed, the
	// oldest first.
	Earlier []journal.Run `json:"earlier,omitempty"`
	// Pods are what was seen of single pods, of the first ones where there are
	// too many for a chart.
	Pods []journal.PodTimeline `json:"pods,omitempty"`
}

// StepOutcome is what became of one step.
type StepOutcome struct {
	ID      string             `json:"id"`
	Title   string             `json:"title,omitempty"`
	Status  journal.StepStatus `json:"status"`
	Started time.Time          `json:"started,omitzero"`
	Ended   time.Time          `json:"ended,omitzero"`
	Attempt int                `json:"attempt,omitempty"`
	Message string             `json:"message,omitempty"`
}

// emitEvent tells an event; goroutines beside the main one tell some too.
func (e *Executor) emitEvent(ev Event) {
	e.eventMu.Lock()
	defer e.eventMu.Unlock()
	ev.Time = e.opts.Now()
	ev.Message = e.secrets.Text(ev.Message)
	ev.Waiting = e.maskWaiting(ev.Waiting)
	e.opts.OnEvent(ev)
}

// maskWaiting masks what is new: of a thousand pods that are waited for, a few
// change from one event to the next.
func (e *Executor) maskWaiting(waiting []string) []string {
	if waiting == nil {
		return nil
	}
	var out []string
	masked := make(map[string]string, len(waiting))
	for _, w := range waiting {
		m, known := e.maskedWaiting[w]
		if !known {
			m = e.secrets.Text(w)
		}
		masked[w] = m
		out = append(out, m)
	}
	e.maskedWaiting = masked
	return out
}

func (e *Executor) emitMessage(step string, kind EventKind, message string) {
	e.emitEvent(Event{Step: step, Kind: kind, Message: message})
}
