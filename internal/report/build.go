package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// Input is what a document is made of. Plan, Now and Tool are required.
type Input struct {
	Plan *plan.Plan
	// Outcome is nil where no step was begun.
	Outcome *upgrade.Outcome
	// Err is how the upgrade ended; nil where it did what was asked.
	Err error
	// Before and After are reports of checks, in the order in which they were
	// made; nil ones are left out.
	Before, After []*preflight.Report
	Waivers       []plan.Waiver
	// Acknowledged are IDs of [preflight.ManualStep]s.
	Acknowledged []string
	// Identity, Tool, SignedBy and Log as in [Document].
	Identity, Tool, SignedBy, Log string
	Now                           time.Time
	// Mask takes secrets out of a text. The default takes out what
	// [redact.Text] finds.
	Mask func(string) string
}

// NewDocument joins what is known of an upgrade. Every text in the document went
// through [Input.Mask]; a document that cannot be masked is an error, so that
// none is ever written unmasked.
func NewDocument(in Input) (*Document, error) {
	p := in.Plan
	d := &Document{
		APIVersion: plan.APIVersion, Kind: Kind, Result: resultOf(in), Written: in.Now.UTC(), Identity: in.Identity, Tool: in.Tool,
		Cluster: Cluster{Context: p.Cluster.Context, Server: p.Cluster.Server, UID: p.Cluster.UID, Version: p.Cluster.Version},
		Plan:    p.Digest(), SignedBy: in.SignedBy, Bundle: Bundle{Name: p.Bundle.Name, Digest: p.Bundle.Digest},
		Registry: p.Registry.Registry, Log: in.Log,
		Releases: buildReleases(p, in.Outcome), Images: imagesOf(p), Waivers: in.Waivers, Acknowledged: acknowledgedSteps(in.Acknowledged), Warnings: p.Warnings,
		Before: joinResults(in.Before), After: joinResults(in.After),
	}
	if in.Err != nil {
		d.Error = message.Text(in.Err)
	}
	d.addOutcome(p, in.Outcome)
	mask := in.Mask
	if mask == nil {
		mask = redact.Text
	}
	return maskDocument(d, mask)
}

// acknowledgedSteps are the gates in their own order, each once.
func acknowledgedSteps(ids []string) []Acknowledged {
	var list []Acknowledged
	for _, g := range preflight.ManualSteps() {
		if slices.Contains(ids, g.ID) {
			list = append(list, Acknowledged{g.ID, g.Description})
		}
	}
	return list
}

func resultOf(in Input) string {
	switch {
	case in.Outcome == nil:
		return ResultNotStarted
	case errors.As(in.Err, new(*upgrade.InterruptedError)):
		return ResultInterrupted
	case in.Err != nil:
		return ResultStopped
	case in.Outcome.PauseReason != "":
		return ResultPaused
	}
	return ResultDone
}

// addOutcome fills in what was done. Without one every step is still to be done.
func (d *Document) addOutcome(p *plan.Plan, o *upgrade.Outcome) {
	became := map[string]upgrade.StepOutcome{}
	if o != nil {
		d.Changed, d.Started, d.Ended, d.Backup, d.Remaining = o.Changed, o.Started, o.Ended, o.Backup, o.Remaining
		d.Availability, d.Pods = o.Availability, o.Pods
		for _, r := range o.Earlier {
			d.addEarlier(r)
		}
		for _, a := range o.Attempts {
			d.Attempts = append(d.Attempts, Attempt{Plan: d.Plan, Attempt: a})
		}
		for _, s := range o.Steps {
			became[s.ID] = s
		}
		if o.PauseReason != "" && d.Error == "" {
			d.Error = o.PauseReason
		}
	}
	for _, s := range p.Steps {
		one, known := became[s.ID]
		if !known {
			one = upgrade.StepOutcome{ID: s.ID, Status: journal.StepPending}
		}
		one.Title = s.Title
		d.Steps = append(d.Steps, Step{StepOutcome: one, Why: s.Why, Risk: s.Risk, Restarts: s.Restarts})
	}
}

// addEarlier adds a run of another plan that this one resumed: what it did,
// without the objects that only resuming needs.
func (d *Document) addEarlier(r journal.Run) {
	e := EarlierPlan{Plan: r.Plan}
	for _, s := range r.Steps {
		if s.Status == journal.StepPending {
			continue
		}
		s.Saved = nil
		e.Steps = append(e.Steps, s)
	}
	d.Earlier = append(d.Earlier, e)
	for _, a := range r.Attempts {
		d.Attempts = append(d.Attempts, Attempt{Plan: r.Plan, Attempt: a})
	}
	if n := len(r.Attempts); n > 0 && (d.Started.IsZero() || r.Attempts[0].Started.Before(d.Started)) {
		d.Started = r.Attempts[0].Started
	}
}

// buildReleases are those the plan is about, each from where the first plan of all
// found it.
func buildReleases(p *plan.Plan, o *upgrade.Outcome) []ReleaseSummary {
	list := []ReleaseSummary{}
	at := map[string]int{}
	if o != nil {
		for _, r := range o.Earlier {
			for _, s := range r.Steps {
				if s.Changed {
					list = extendRelease(list, at, s.Target, s.From, s.To)
				}
			}
		}
	}
	for _, s := range p.Steps {
		list = extendRelease(list, at, s.Target, s.From, s.To)
		if i, ok := at[s.Target]; ok && s.Store != "" {
			list[i].Store = s.Store
		}
	}
	return list
}

// extendRelease adds a step to a release's way. One that leaves the chart as it is
// adds nothing but its digest.
func extendRelease(list []ReleaseSummary, at map[string]int, key string, from, to *plan.ChartRef) []ReleaseSummary {
	if from == nil || to == nil {
		return list
	}
	i, seen := at[key]
	switch {
	case !seen:
		at[key] = len(list)
		return append(list, ReleaseSummary{Key: key, From: *from, To: *to})
	case list[i].To != *to:
		list[i].Over = append(list[i].Over, list[i].To)
		list[i].To = *to
	}
	return list
}

func imagesOf(p *plan.Plan) []Image {
	list := []Image{}
	for _, i := range p.Images {
		list = append(list, Image{Reference: i.Private.String(), Digest: i.Digest, Needed: i.IsRequired()})
	}
	return list
}

func joinResults(reports []*preflight.Report) []preflight.Result {
	list := []preflight.Result{}
	for _, r := range reports {
		if r != nil {
			list = append(list, r.Results...)
		}
	}
	return list
}

// maskDocument is a copy of d in which every text went through mask, whatever field
// it is in.
func maskDocument(d *Document, mask func(string) string) (*Document, error) {
	b, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("writing report: %w", err)
	}
	var all any
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("writing report: %w", err)
	}
	if b, err = json.Marshal(maskStrings(all, mask)); err != nil {
		return nil, fmt.Errorf("writing report: %w", err)
	}
	out := &Document{}
	if err := json.Unmarshal(b, out); err != nil {
		return nil, fmt.Errorf("writing report: masking made it unreadable: %w", err)
	}
	return out, nil
}

func maskStrings(v any, mask func(string) string) any {
	switch v := v.(type) {
	case string:
		return mask(v)
	case []any:
		for i := range v {
			v[i] = maskStrings(v[i], mask)
		}
	case map[string]any:
		for k := range v {
			v[k] = maskStrings(v[k], mask)
		}
	}
	return v
}
