package journal

import (
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Run is everything that was done for one plan, over all attempts, or what one
// attempt recorded of it.
type Run struct {
	APIVersion string `json:"apiVersion"`
	// Kind is the plan's; empty in journals of older versions, which only
	// upgraded.
	Kind     string    `json:"kind,omitempty"`
	Plan     string    `json:"plan"`
	Bundle   string    `json:"bundle,omitempty"`
	Attempts []Attempt `json:"attempts"`
	// Baseline is the health each store had before the first attempt.
	Baseline map[string]string `json:"baseline,omitempty"`
	// Claims are the volume claims of each store before the first attempt.
	Claims plan.ClaimRecords `json:"claims,omitempty"`
	Steps  []StepRecord      `json:"steps"`
	// Availability is what was seen of the stores in all attempts.
	Availability []Availability `json:"availability,omitempty"`
	// Pods are what was seen of single pods in all attempts.
	Pods []PodTimeline `json:"pods,omitempty"`
	// Orphans are bindings that a killed run of another plan left deleted.
	Orphans []images.Object `json:"orphans,omitempty"`
	// Backup is the directory of this plan's backup.
	Backup string `json:"backup,omitempty"`
	// Resumes is the plan of the unfinished run that this one resumes. It had
	// changed the cluster, as ChangedBefore says, and FirstBackup is from before
	// that. ResumedBy is the newer plan that resumed this one; it is found by
	// reading that one's journal.
	Resumes       string `json:"resumes,omitempty"`
	ResumedBy     string `json:"resumedBy,omitempty"`
	ChangedBefore bool   `json:"changedBefore,omitempty"`
	FirstBackup   string `json:"firstBackup,omitempty"`
	// Finished says that an attempt reached the end of the plan; [Journals.Confirm]
	// fills it.
	Finished bool `json:"-"`
	// Open are releases that the resumed run changed without seeing how that
	// ended: what looks ready there may not have reacted yet.
	Open []string `json:"open,omitempty"`
}

// Attempt is one start of the executor.
type Attempt struct {
	// Number counts the attempts at all plans that this one found, so that it
	// tells the order of two whose clocks differ; 0 in journals of older
	// versions.
	Number   int       `json:"number,omitempty"`
	Identity string    `json:"identity,omitempty"`
	Holder   string    `json:"holder,omitempty"`
	Tool     string    `json:"tool,omitempty"`
	Started  time.Time `json:"started"`
	Ended    time.Time `json:"ended,omitzero"`
	// Result is done, paused, stopped or interrupted; empty means that the
	// attempt is under way, was killed, or lost its lease.
	Result  string `json:"result,omitempty"`
	Message string `json:"message,omitempty"`
	// Findings are the checks that did not pass, in the order of the checks.
	Findings []Finding `json:"findings,omitempty"`
}

// Finding is what a check said that did not pass, for the report of a later
// attempt.
type Finding struct {
	// Check is its stable ID, Status its outcome.
	Check  string `json:"check"`
	Status string `json:"status"`
	// After says that it was checked after the upgrade.
	After   bool   `json:"after,omitempty"`
	Message string `json:"message,omitempty"`
	// Waived is the reason why it was accepted.
	Waived string `json:"waived,omitempty"`
}

// StepRecord is what a journal knows of one step.
type StepRecord struct {
	ID      string         `json:"id"`
	Action  plan.Action    `json:"action"`
	Target  string         `json:"target,omitempty"`
	From    *plan.ChartRef `json:"from,omitempty"`
	To      *plan.ChartRef `json:"to,omitempty"`
	Status  StepStatus     `json:"status"`
	Attempt int            `json:"attempt,omitempty"`
	Started time.Time      `json:"started,omitzero"`
	Ended   time.Time      `json:"ended,omitzero"`
	Message string         `json:"message,omitempty"`
	// Changed says a request that changes the cluster was sent.
	Changed bool `json:"changed,omitempty"`
	// Before is the release's revision before the newest Helm operation, and
	// Calling says that its end was not seen. Called is when it began, Making what
	// it is to make.
	Before  int        `json:"before,omitempty"`
	Calling bool       `json:"calling,omitempty"`
	Called  time.Time  `json:"called,omitzero"`
	Making  *Operation `json:"making,omitempty"`
	// Own are the revisions that this step made, and Begun is when Helm began
	// each of them: numbers come again after a release was installed again.
	Own   []int             `json:"own,omitempty"`
	Begun map[int]time.Time `json:"begun,omitempty"`
	// Removed are the objects that the newest Helm operation deletes, until they
	// were seen to be gone.
	Removed []plan.ObjectKey `json:"removed,omitempty"`
	// Saved are the bindings that a repair step deleted.
	Saved []images.Object `json:"saved,omitempty"`
}

// StepStatus is the state of a step.
type StepStatus string

// The states of a step.
const (
	StepPending     StepStatus = "pending"
	StepStarted     StepStatus = "started"
	StepDone        StepStatus = "done"
	StepSkipped     StepStatus = "skipped"
	StepFailed      StepStatus = "failed"
	StepInterrupted StepStatus = "interrupted"
)

// Over reports whether nothing is left to do for the step.
func (s StepStatus) Over() bool { return s == StepDone || s == StepSkipped }

// Step is the record of a step, or nil.
func (r *Run) Step(id string) *StepRecord {
	for i := range r.Steps {
		if r.Steps[i].ID == id {
			return &r.Steps[i]
		}
	}
	return nil
}

// Changed reports whether any attempt, or the run this one resumes, changed the
// cluster.
func (r Run) Changed() bool {
	return r.ChangedBefore || slices.ContainsFunc(r.Steps, func(s StepRecord) bool { return s.Changed })
}

// Result is how the newest attempt ended; empty means that it is under way or
// was killed.
func (r Run) Result() string {
	if len(r.Attempts) == 0 {
		return ""
	}
	return r.Attempts[len(r.Attempts)-1].Result
}

// Save keeps one deleted object, in place of an earlier one of the same name.
func (s *StepRecord) Save(o images.Object) {
	key := plan.KeyOf(o, "")
	s.Saved = slices.DeleteFunc(s.Saved, func(s images.Object) bool { return plan.KeyOf(s, "") == key })
	s.Saved = append(s.Saved, o)
}

// Short is the beginning of a plan's digest, long enough for names.
func Short(digest string) string {
	d := digest[strings.LastIndexByte(digest, ':')+1:]
	return d[:min(12, len(d))]
}
