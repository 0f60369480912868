package display

import (
	"fmt"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
)

// RunStatus is how the newest upgrade stands.
type RunStatus struct {
	// State is done, paused, stopped, interrupted, running or killed.
	State string `json:"state"`
	// Step is where it stands: the step under way, the one it stopped at, or
	// the last one before it paused. Number counts from 1, of Of.
	Step    string    `json:"step,omitempty"`
	Number  int       `json:"number,omitempty"`
	Total   int       `json:"total,omitempty"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// Holder is who carries it out, while it runs.
	Holder  string `json:"holder,omitempty"`
	Plan    string `json:"plan"`
	Message string `json:"message,omitempty"`
}

// RunStatusOf puts a journal into words; holder is who has the lease, if
// anybody.
func RunStatusOf(r journal.Run, holder string) *RunStatus {
	out := &RunStatus{Plan: r.Plan, State: r.Result(), Total: len(r.Steps)}
	if n := len(r.Attempts); n > 0 {
		last := r.Attempts[n-1]
		out.Started, out.Ended, out.Message = last.Started, last.Ended, last.Message
	}
	open := slices.IndexFunc(r.Steps, func(s journal.StepRecord) bool {
		return s.Status != journal.StepDone && s.Status != journal.StepSkipped
	})
	switch {
	case out.State == "" && holder != "":
		out.State, out.Holder = "running", holder
	case out.State == "":
		out.State = "killed"
	}
	switch {
	case out.State == "paused" && open > 0:
		out.Number = open
	case open >= 0:
		out.Number = open + 1
	}
	if out.Number > 0 {
		out.Step = r.Steps[out.Number-1].ID
	}
	return out
}

// String is one line.
func (r *RunStatus) String() string {
	at := ""
	if r.Step != "" {
		at = fmt.Sprintf("step %d of %d, %s", r.Number, r.Total, r.Step)
	}
	began := "begun " + r.Started.UTC().Format("2006-01-02 15:04") + " UTC"
	switch r.State {
	case "done":
		return fmt.Sprintf("done %s UTC, %s", r.Ended.UTC().Format("2006-01-02 15:04"), plural.Count(r.Total, "step"))
	case "paused":
		return "paused after " + at + "; rerun the same command to resume"
	case "running":
		return fmt.Sprintf("running: %s, %s by %s", at, began, r.Holder)
	case "killed":
		return fmt.Sprintf("killed at %s, %s; rerun the same command to resume", at, began)
	}
	return fmt.Sprintf("%s at %s, %s; rerun the same command to resume", r.State, at, began)
}
