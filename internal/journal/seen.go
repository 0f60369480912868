package journal

import (
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Availability is how well one store served during a run.
type Availability struct {
	// Store is namespace/name.
	Store string `json:"store"`
	// Pods is how many the store asks for, LowestReady the fewest that were
	// ready at one time.
	Pods        int `json:"pods"`
	LowestReady int `json:"lowestReady"`
	// Worst is the worst health the store itself reported.
	Worst string `json:"worst,omitempty"`
	// Known says that the store was asked directly; the rest is only then
	// meaningful, since ready pods don't prove that a store serves.
	Known bool `json:"known"`
	// At are the addresses that were asked in place of the API server, in the
	// order in which attempts asked them.
	At     []string `json:"addresses,omitempty"`
	Probes int      `json:"probes,omitempty"`
	Failed int      `json:"failed,omitempty"`
	// Unanswered are questions that did not get through, beside the Probes: of
	// these moments nothing is known.
	Unanswered int `json:"unanswered,omitempty"`
	// Unavailable is the time from each failed probe to the next good one.
	Unavailable plan.Duration `json:"unavailable,omitempty"`
	// Outages are what Unavailable sums up, the oldest first. They are bounded;
	// the sum is of all.
	Outages []Outage `json:"outages,omitempty"`
	// Timeline are the changes of the number of ready pods.
	Timeline []Sample `json:"timeline,omitempty"`
}

// Sample is the number of ready pods from a time on.
type Sample struct {
	Time  time.Time `json:"time"`
	Ready int       `json:"ready"`
}

// Outage is a time in which a store did not serve, as its probes saw it: each
// end is late by the time between two probes at most.
type Outage struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// PodState is what a pod of a store was doing.
type PodState string

// The states of a pod, from the best to the worst.
const (
	PodReady    PodState = "ready"
	PodNotReady PodState = "not ready"
	PodEnding   PodState = "ending"
	PodGone     PodState = "gone"
)

// PodTimeline is what was seen of one pod of a store. A pod that is replaced
// under its old name continues in the same timeline.
type PodTimeline struct {
	// Store is namespace/name of the object store, Pod the pod's name.
	Store string `json:"store"`
	Pod   string `json:"pod"`
	// Spans each last until the next begins, the oldest first.
	Spans []PodSpan `json:"spans"`
}

// PodSpan is a state from a time on.
type PodSpan struct {
	Time  time.Time `json:"time"`
	State PodState  `json:"state"`
	// Revision is that of the pod's template; it changes when the pod is
	// replaced by one that is different.
	Revision string `json:"revision,omitempty"`
}

// barest is a lightened copy that has of each step only what resuming and rollback
// need: which one it is, whether it is over, and which revisions it made.
func (r Run) barest() Run {
	r = r.lightened()
	for i, s := range r.Steps {
		bare := StepRecord{ID: s.ID, Action: s.Action, Target: s.Target, Status: s.Status, Attempt: s.Attempt, Changed: s.Changed, Saved: s.Saved}
		if !s.Status.Over() || r.Kind == plan.KindRollback { // else the revision's description proves it
			bare.Own, bare.Begun = s.Own, s.Begun
		}
		if s.Calling {
			bare.Before, bare.Calling, bare.Called, bare.Making = s.Before, true, s.Called, s.Making
		}
		r.Steps[i] = bare
	}
	r.Availability = nil
	return r
}

// lightened is a copy of a run without what fills a journal most.
func (r Run) lightened() Run {
	r.Availability = slices.Clone(r.Availability)
	for i := range r.Availability {
		r.Availability[i].Timeline, r.Availability[i].Outages = nil, nil
	}
	r.Pods, r.Claims = nil, r.Claims.Summary(0)
	r.Attempts = slices.Clone(r.Attempts)
	for i := range r.Attempts {
		r.Attempts[i].Findings = nil
	}
	r.Steps = slices.Clone(r.Steps)
	for i := range r.Steps {
		r.Steps[i].Message = ""
	}
	return r
}
