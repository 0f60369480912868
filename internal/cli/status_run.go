package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// runStatus is how the newest upgrade stands.
type runStatus struct {
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

// lastRun is the newest run with whether somebody carries it out now; nil where
// there was no upgrade yet.
func lastRun(ctx context.Context, client kubernetes.Interface, f *plan.Facts, now time.Time) (*runStatus, error) {
	all, err := journal.Read(ctx, client, journalNamespace(f))
	if err != nil {
		return nil, err
	}
	run := newestRun(all.Confirm(journal.EvidenceOf(f)))
	if run == nil {
		return nil, nil
	}
	holder := ""
	if run.Result() == "" { // only then the lease tells running from killed
		if holder, err = lease.CurrentHolder(ctx, client, journalNamespace(f), now); err != nil {
			return nil, err
		}
	}
	return runStatusOf(*run, holder), nil
}

// newestRun is the newest of runs that the cluster does not contradict. One that
// changed nothing does not hide an unfinished one, unless it resumed that.
func newestRun(c *journal.Confirmed) *journal.Run {
	runs := c.Possible()
	if len(runs) == 0 {
		return nil
	}
	newest := &runs[0]
	if i := slices.IndexFunc(c.Runs, func(r journal.Run) bool { return r.Plan == newest.Plan }); i >= 0 {
		newest = &c.Runs[i]
	}
	if last := journal.Unfinished(c.Runs); last != nil && newest.Resumes != last.Plan {
		return last
	}
	return newest
}

// runStatusOf puts a journal into words; holder is who has the lease, if
// anybody.
func runStatusOf(r journal.Run, holder string) *runStatus {
	out := &runStatus{Plan: r.Plan, State: r.Result(), Total: len(r.Steps)}
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
func (r *runStatus) String() string {
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
