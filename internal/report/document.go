package report

import (
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// Kind is the kind of a [Document].
const Kind = "UpgradeReport"

// The results of an upgrade.
const (
	ResultDone        = "done"
	ResultPaused      = "paused"
	ResultStopped     = "stopped"
	ResultInterrupted = "interrupted"
	// ResultNotStarted is an upgrade that ended before its first step.
	ResultNotStarted = "not started"
)

// Document is the evidence of one upgrade, over all its attempts. It holds no
// secrets.
type Document struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Result is one of the Result constants; Error says why it is not done.
	Result string `json:"result"`
	Error  string `json:"error,omitempty"`
	// Changed says the cluster is no longer what it was before.
	Changed bool `json:"changed"`
	// Written is when this document was made, Identity who the API server
	// says we are, and Tool what made it.
	Written  time.Time `json:"written"`
	Identity string    `json:"identity,omitempty"`
	Tool     string    `json:"tool"`
	Cluster  Cluster   `json:"cluster"`
	// Plan is the plan's digest; SignedBy the public key of its signature
	// where it had to have one.
	Plan     string `json:"plan"`
	SignedBy string `json:"signedBy,omitempty"`
	Bundle   Bundle `json:"bundle"`
	// Registry is where the nodes pull from.
	Registry string    `json:"registry"`
	Started  time.Time `json:"started,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	Backup   string    `json:"backup,omitempty"`
	Log      string    `json:"log,omitempty"`

	Releases []ReleaseSummary `json:"releases"`
	Images   []Image          `json:"images"`
	Steps    []Step           `json:"steps"`
	// Earlier are the plans that this one resumed, oldest first.
	Earlier []EarlierPlan `json:"earlier,omitempty"`
	// Remaining are the ids of steps that are still to be done.
	Remaining []string `json:"remaining,omitempty"`
	// Before and After are the checks of the newest attempt. What earlier ones
	// found is in Attempts.
	Before  []preflight.Result `json:"checksBefore"`
	After   []preflight.Result `json:"checksAfter,omitempty"`
	Waivers []plan.Waiver      `json:"waivers,omitempty"`
	// Acknowledged are what only a person can do and said was done.
	Acknowledged []Acknowledged         `json:"acknowledged,omitempty"`
	Warnings     []plan.Notice          `json:"warnings,omitempty"`
	Attempts     []Attempt              `json:"attempts,omitempty"`
	Availability []journal.Availability `json:"availability,omitempty"`
	Pods         []journal.PodTimeline  `json:"pods,omitempty"`
}

// Acknowledged is something that only a person can do and said was done.
type Acknowledged struct {
	// ID is stable, What is for people.
	ID   string `json:"id"`
	What string `json:"what"`
}

// Cluster says where it happened.
type Cluster struct {
	Context string `json:"context,omitempty"`
	Server  string `json:"server,omitempty"`
	UID     string `json:"uid,omitempty"`
	Version string `json:"version"`
}

// Bundle says what was carried across.
type Bundle struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// ReleaseSummary is one Helm release on its way: From is what was installed before
// the plan, To where it ends.
type ReleaseSummary struct {
	// Key is namespace/release; Store is namespace/name of the object store,
	// empty for the operator.
	Key   string        `json:"release"`
	Store string        `json:"objectStore,omitempty"`
	From  plan.ChartRef `json:"from"`
	// Over are the intermediate versions.
	Over []plan.ChartRef `json:"over,omitempty"`
	To   plan.ChartRef   `json:"to"`
}

// Image is one image the target pulls.
type Image struct {
	Reference string `json:"reference"`
	Digest    string `json:"digest,omitempty"`
	Needed    bool   `json:"needed"`
}

// Attempt is one start of the upgrade, by whatever plan.
type Attempt struct {
	// Plan is the plan's digest.
	Plan            string `json:"plan"`
	journal.Attempt `json:",inline"`
}

// EarlierPlan is a plan that was begun and not finished, because a later one went
// on from there.
type EarlierPlan struct {
	Plan  string               `json:"plan"`
	Steps []journal.StepRecord `json:"steps"`
}

// Step is one step of the plan with what became of it.
type Step struct {
	upgrade.StepOutcome `json:",inline"`
	Why                 string         `json:"why,omitempty"`
	Risk                string         `json:"risk,omitempty"`
	Restarts            []plan.Restart `json:"restarts,omitempty"`
}
