package upgrade

import (
	"context"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
)

// Options tune a run. The zero value of each field is its default.
type Options struct {
	// Deadline is when the window closes: a step starts only if its estimate
	// ends before. The default is none.
	Deadline time.Time
	// StopAfter is the id of the step after which the run pauses. The default
	// is none.
	StopAfter string
	// Timeout is the time-out without progress, per step: it restarts with each
	// further pod that is updated and ready, so that it needs no adjusting to
	// a store's size. The default is 10 minutes.
	Timeout time.Duration
	// StabilizationPeriod is how long a cluster without reaction to a step must stay
	// quiet before the step counts as done: nothing in an ObjectStore says
	// whether the operator has seen its newest spec. The default is 5 seconds.
	StabilizationPeriod time.Duration
	// Grace is how long a persistent failure is tolerated. The default is 20
	// seconds.
	Grace time.Duration
	// RetryTimeout is how long requests are repeated while the API server is
	// away. The default is 2 minutes.
	RetryTimeout time.Duration
	// ProbeInterval is the time between two probes of a store. The default is
	// 1 second.
	ProbeInterval time.Duration

	// BackupDir is the directory below which each plan's backup gets its own
	// directory. A plan with a backup step requires it.
	BackupDir string
	// Identity is who the API server says we are; Tool is our version.
	Identity, Tool string
	// ResumeCommand is the command that resumes the run, without secrets.
	ResumeCommand string
	// ReplanCommand is the command for a plan of the current state, where this plan
	// is out of date.
	ReplanCommand string
	// MaxHistory is Helm's limit on revisions. The default is Helm's own.
	MaxHistory int
	// RollbackOnFailure takes the chart of a step that fails back to the
	// revision before, where that is safe. Charts of earlier steps stay.
	RollbackOnFailure bool
	// Description is what the user wants to read in Helm's history beside what
	// is said of plan and chart there.
	Description string

	// Findings are what the checks found so far that did not pass; the journal
	// keeps them for the report of a later attempt. The default is none.
	Findings func() []journal.Finding

	// OnEvent is told what happens, by one goroutine at a time. The default
	// drops it.
	OnEvent func(Event)
	// Now is the clock. The default is time.Now.
	Now func() time.Time

	// Push, Preflight and Validate execute the steps of these names; nil
	// skips the step. Validate returns a line for the report.
	Push      func(context.Context) error
	Preflight func(context.Context) error
	Validate  func(context.Context) (string, error)
}

func (o Options) withDefaults() Options {
	durations := []struct {
		p *time.Duration
		d time.Duration
	}{
		{&o.Timeout, 10 * time.Minute}, {&o.StabilizationPeriod, 5 * time.Second}, {&o.Grace, 20 * time.Second},
		{&o.RetryTimeout, 2 * time.Minute}, {&o.ProbeInterval, time.Second},
	}
	for _, v := range durations {
		if *v.p <= 0 {
			*v.p = v.d
		}
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
