package journal

import (
	"cmp"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Confirmed is what journals say and the cluster itself bears out.
type Confirmed struct {
	// Runs made a revision that is there, or deleted bindings that are missing;
	// the one whose newest revision is the newest comes first. What was there
	// before a run, and which run it resumed, is taken from records that existed
	// before its first revision did.
	Runs []Run
	// Doubts are records and runs that claim what the cluster contradicts.
	Doubts []Doubt

	sound  []record                  // all but those in Doubts that cannot be true
	owners map[string]map[int]string // the plan of each revision, by release and number
	doubt  map[string]bool           // plans of runs that are in Doubts
}

// Owns reports whether one of the runs made a revision of a release.
func (c *Confirmed) Owns(target string, revision int) bool { return c.owners[target][revision] != "" }

// Made are the revisions that the run of a plan made, by release, sorted.
func (c *Confirmed) Made(digest string) map[string][]int {
	made := map[string][]int{}
	for target, revisions := range c.owners {
		for number, by := range revisions {
			if by == digest {
				made[target] = append(made[target], number)
			}
		}
		slices.Sort(made[target])
	}
	return made
}

// Possible are the runs that nothing contradicts, borne out or not; the run
// started last comes first.
func (c *Confirmed) Possible() []Run {
	return slices.DeleteFunc(merge(c.sound), func(r Run) bool { return c.doubt[r.Plan] })
}

// Confirm finds out which runs are borne out. Anybody who may create ConfigMaps
// can write what looks like a journal, but nobody can write it before the time
// that the API server gives it, and only Helm writes Helm's records: a revision
// belongs to the plan in its description, or else to the oldest record that
// claims it and is not younger than the revision.
func (j *Journals) Confirm(ev Evidence) *Confirmed {
	c := &Confirmed{owners: map[string]map[int]string{}, doubt: map[string]bool{}}
	sound := c.sift(j.records, ev)
	c.sound = sound
	c.assign(sound, ev)
	made := map[string]time.Time{} // when a plan's newest revision was made
	for _, run := range merge(sound) {
		of := recordsOf(sound, run.Plan)
		last, ok := c.lastMade(run.Plan, ev)
		if !ok {
			last, ok = deletedBindings(of, ev)
		}
		if ok {
			made[run.Plan] = last
			c.Runs = append(c.Runs, c.correct(run, of, ev))
		}
	}
	slices.SortStableFunc(c.Runs, func(a, b Run) int { return made[b.Plan].Compare(made[a.Plan]) })
	c.link(sound, ev)
	c.doubtRest(sound, ev, made)
	return c
}

// assign finds the plan that each revision was made for.
func (c *Confirmed) assign(sound []record, ev Evidence) {
	for target, revisions := range ev.Revisions {
		c.owners[target] = map[int]string{}
		for _, rev := range revisions {
			i := slices.IndexFunc(sound, func(r record) bool { return r.made(target, rev) })
			if i >= 0 {
				c.owners[target][rev.Number] = sound[i].run.Plan
			}
		}
	}
}

// made reports whether a revision may be the record's.
func (r record) made(target string, rev Revision) bool {
	if !r.run.OwnsRevision(target, rev) {
		return false
	}
	return MadeByPlan(rev.Description, r.run.Plan) || !r.youngerThan(rev)
}

// youngerThan reports whether a record was created after a revision, by the
// clock of the API server; false where a time is unknown.
func (r record) youngerThan(rev Revision) bool {
	return !r.created.IsZero() && !rev.Created.IsZero() && r.created.After(rev.Created)
}

// lastMade is when a plan's newest revision was made; false where it made none.
func (c *Confirmed) lastMade(digest string, ev Evidence) (last time.Time, ok bool) {
	for target, revisions := range ev.Revisions {
		for _, rev := range revisions {
			if c.owners[target][rev.Number] == digest {
				ok = true
				if at := rev.at(); at.After(last) {
					last = at
				}
			}
		}
	}
	return last, ok
}

// firstMade is a plan's oldest revision among those that are there, or nil.
func (c *Confirmed) firstMade(digest string, ev Evidence) *Revision {
	var first *Revision
	for target, revisions := range ev.Revisions {
		for i, rev := range revisions {
			if c.owners[target][rev.Number] == digest && (first == nil || rev.at().Before(first.at())) {
				first = &revisions[i]
			}
		}
	}
	return first
}

// correct takes what was there before a run from the records that are older than
// its first revision: what is written later may be another client's.
func (c *Confirmed) correct(run Run, of []record, ev Evidence) Run {
	early := of
	if first := c.firstMade(run.Plan, ev); first != nil {
		older := slices.DeleteFunc(slices.Clone(of), func(r record) bool { return r.youngerThan(*first) })
		if len(older) > 0 {
			early = older
		}
	}
	base := merge(early)[0]
	run.Kind, run.Bundle, run.Resumes, run.ChangedBefore = base.Kind, base.Bundle, base.Resumes, base.ChangedBefore
	run.Claims, run.Baseline = base.Claims, base.Baseline
	run.Backup, run.FirstBackup = cmp.Or(base.Backup, run.Backup), base.FirstBackup
	for target, revisions := range ev.Revisions {
		for _, rev := range revisions {
			if c.owners[target][rev.Number] == run.Plan && MadeByPlan(rev.Description, run.Plan) {
				run.Kind = plan.KindPlan // rollbacks have Helm's own description
			}
		}
	}
	return run
}

func recordsOf(records []record, digest string) []record {
	return slices.DeleteFunc(slices.Clone(records), func(r record) bool { return r.run.Plan != digest })
}
