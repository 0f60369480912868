package journal

import (
	"fmt"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Doubt is a record that the cluster contradicts.
type Doubt struct {
	Namespace, ConfigMap string
	// Reason says what is wrong with it.
	Reason string
}

// String is one line, with the command that shows the record.
func (d Doubt) String() string {
	return fmt.Sprintf("journal %s/%s is ignored: %s; %s shows it", d.Namespace, d.ConfigMap, d.Reason,
		shellquote.Command("kubectl get configmap %s -n %s -o yaml", d.ConfigMap, d.Namespace))
}

func (c *Confirmed) addDoubt(r record, reason string) {
	c.Doubts = append(c.Doubts, Doubt{Namespace: r.namespace, ConfigMap: r.name, Reason: reason})
}

// sift leaves out records that claim what cannot be.
func (c *Confirmed) sift(records []record, ev Evidence) []record {
	return slices.DeleteFunc(slices.Clone(records), func(r record) bool {
		reason := r.impossible(ev)
		if reason != "" {
			c.addDoubt(r, reason)
		}
		return reason != ""
	})
}

// impossible says what a record claims although the release's records have
// something else; empty where it may be true. One that is older than the newest
// revision may have been true once: the release may have been installed again.
func (r record) impossible(ev Evidence) string {
	for _, s := range r.run.Steps {
		if s.Before == 0 && len(s.Own) == 0 || !s.Action.ChangesRelease() {
			continue
		}
		newest, known := ev.newest(s.Target)
		switch {
		case !known && ev.Complete:
			return fmt.Sprintf("it claims a change of release %s, of which Helm keeps no revision", s.Target)
		case !known || !r.created.IsZero() && !r.youngerThan(newest):
			continue
		case s.Before > newest.Number:
			return fmt.Sprintf("it claims revision %d of release %s, and the newest is %d", s.Before, s.Target, newest.Number)
		case slices.Contains(s.Own, newest.Number) && !r.run.OwnsRevision(s.Target, newest):
			return fmt.Sprintf("it claims to have made revision %d of release %s, and Helm's record says otherwise", newest.Number, s.Target)
		}
	}
	return ""
}

// doubtRest doubts the runs that claim a change after all that is there.
func (c *Confirmed) doubtRest(sound []record, ev Evidence, made map[string]time.Time) {
	last := ev.last()
	for _, r := range sound {
		_, confirmed := made[r.run.Plan]
		over := !r.created.IsZero() && !r.created.After(last) // somebody has upgraded since
		if confirmed || c.doubt[r.run.Plan] || over || !r.claimsChange(made) {
			continue
		}
		c.doubt[r.run.Plan] = true
		c.addDoubt(r, "it claims a change that neither Helm's records nor the cluster's bindings show")
	}
}

// claimsChange reports whether a record claims what the cluster must show. That
// it resumed a run which did so is no claim of its own.
func (r record) claimsChange(made map[string]time.Time) bool {
	if _, real := made[r.run.Resumes]; r.run.ChangedBefore && !real {
		return true
	}
	return slices.ContainsFunc(r.run.Steps, func(s StepRecord) bool {
		return s.Changed && (s.Action.ChangesRelease() || s.Action == plan.ActionRecreateBindings)
	})
}

// link says of each run whether it ended, and which other one resumed it. The
// word of a record alone is not enough where the releases say otherwise.
func (c *Confirmed) link(sound []record, ev Evidence) {
	for i := range c.Runs {
		r := &c.Runs[i]
		r.ResumedBy = ""
		of := recordsOf(sound, r.Plan)
		r.Finished = slices.ContainsFunc(of, record.done)
		if by := resumer(sound, r.Plan); by != "" {
			r.ResumedBy = by
		}
		if (r.Finished || r.ResumedBy != "") && c.unfinished(*r, of, ev) {
			r.Finished, r.ResumedBy = false, ""
			r.Attempts = slices.DeleteFunc(slices.Clone(r.Attempts), func(a Attempt) bool { return a.Result == resultDone })
		}
	}
	for i := range c.Runs { // a run that changed something itself is known to have resumed another
		for k := range c.Runs {
			if i != k && c.Runs[i].Resumes == c.Runs[k].Plan {
				c.Runs[k].ResumedBy = c.Runs[i].Plan
			}
		}
	}
}

func (r record) done() bool { return r.newest().Result == resultDone }

// resumer is the plan of a run that resumed another one, itself or through more
// runs, and was done; empty where there is none.
func resumer(sound []record, digest string) string {
	plans := map[string]bool{digest: true}
	for range sound { // a chain is at most as long as there are records
		for _, r := range sound {
			if plans[r.run.Resumes] {
				plans[r.run.Plan] = true
			}
		}
	}
	i := slices.IndexFunc(sound, func(r record) bool { return r.run.Plan != digest && plans[r.run.Plan] && r.done() })
	if i < 0 {
		return ""
	}
	return sound[i].run.Plan
}

// unfinished reports whether the releases show that a run cannot have ended: its
// newest revision is pending or failed, or a release that it was to change is
// older than the run, with another version.
func (c *Confirmed) unfinished(run Run, of []record, ev Evidence) bool {
	to := map[string]string{} // the last version of each release
	for _, s := range run.Steps {
		if s.Action.ChangesRelease() && s.To != nil {
			to[s.Target] = s.To.Version
		}
	}
	for target := range ev.Revisions {
		newest, _ := ev.newest(target)
		if c.owners[target][newest.Number] == run.Plan && newest.Status != "deployed" && newest.Status != "superseded" {
			return true
		}
		version, planned := to[target]
		if planned && newest.Version != version && !newest.Created.IsZero() && of[0].created.After(newest.Created) {
			return true
		}
	}
	return false
}
