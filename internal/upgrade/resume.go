package upgrade

import (
	"cmp"
	"maps"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
)

// adoptPriorRun resumes the unfinished run of another plan: what was there before that
// one is what was there before this one. Whatever its journal claims to have
// deleted is brought back only after a check Helm's records.
func (e *Executor) adoptPriorRun() {
	prev := journal.Unfinished(e.journal.Found())
	if prev == nil || prev.Plan == e.digest {
		return
	}
	r := &e.journal.Run
	r.Resumes, r.ChangedBefore = prev.Plan, true
	r.FirstBackup = cmp.Or(prev.FirstBackup, prev.Backup)
	r.Orphans, r.Open = prev.OrphanedBindings(), prev.OpenReleases()
	if r.Baseline == nil {
		r.Baseline = maps.Clone(prev.Baseline)
	}
	if r.Claims == nil {
		r.Claims = e.facts.AcceptClaims(prev.Claims, e.plan.Options.AcceptVolumes)
	}
}

// recordBaseline records the health of stores that no attempt has seen before.
func (e *Executor) recordBaseline() {
	r := &e.journal.Run
	if r.Baseline == nil {
		r.Baseline = map[string]string{}
	}
	for _, s := range e.facts.Stores {
		if _, known := r.Baseline[s.Key()]; !known {
			r.Baseline[s.Key()] = s.Health
		}
	}
}
