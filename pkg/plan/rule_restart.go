package plan

import (
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
)

func downtimeRule() Rule {
	return Rule{ID: "downtime", Title: "Downtime", Notices: []string{"accept-restart", "accept-downtime"}, WithPlan: true, WithoutInputs: true,
		Needs: []string{"objectstores"}, Evaluate: evaluateRestarts,
		Inspects:  "which pods each step restarts, and how",
		FailsWhen: "all pods of a store restart at the same time, or a store restarts that is not upgraded, and this was not accepted"}
}

// evaluateRestarts says which stores stop for a while, and asks for consent.
func evaluateRestarts(in Inputs, p *Plan) Verdict {
	v := Verdict{Passed: "no outage: pods restart one by one, or not at all"}
	said := map[string]bool{}
	for _, s := range p.Steps {
		for _, r := range s.Restarts {
			if !r.Selected && !said[r.Store] && !slices.Contains(in.Options.AcceptRestart, r.Store) {
				v.add(SeverityRefuse, "accept-restart", storeKey(r.Store), "object store %s: step %s may restart %s, although the plan does not upgrade it (%s)", r.Store, s.ID, plural.CountAll(r.Pods, "pod"), r.Why).
					setDetails("restart", "accepted", shellquote.Command("--accept-restart %s", r.Store))
			}
			said[r.Store] = true
			if key := r.Store + string(r.Strategy); !said[key] {
				said[key] = true
				v.addRestart(in, s, r)
			}
		}
	}
	return v
}

func (v *Verdict) addRestart(in Inputs, s Step, r Restart) {
	if r.Strategy != AllAtOnce {
		v.addNote("object store %s: step %s restarts %s one by one (%s)", r.Store, s.ID, plural.Count(r.Pods, "pod"), r.Why)
		return
	}
	severity := SeverityRefuse
	if slices.Contains(in.Options.AcceptDowntime, r.Store) {
		severity = SeverityWarn
	}
	v.add(severity, "accept-downtime", storeKey(r.Store), "object store %s: step %s restarts %s at the same time, which is an outage (%s)", r.Store, s.ID, plural.CountAll(r.Pods, "pod"), r.Why).
		setDetails(string(AllAtOnce), string(OneByOne), shellquote.Command("--accept-downtime %s", r.Store))
}

func rollbackRiskRule() Rule {
	return Rule{ID: "accept-risk", Notices: []string{"accept-risk"}, WithPlan: true, Evaluate: evaluateRollbackRisk}
}

// evaluateRollbackRisk asks for consent for each object store that would be rolled
// back, by its own chart or by the operator's defaults. Helm itself asks for none:
// it starts older servers on disks that newer ones have written.
func evaluateRollbackRisk(in Inputs, p *Plan) Verdict {
	var v Verdict
	if !in.isRollback() {
		return v
	}
	said := map[string]bool{}
	add := func(store, why string) {
		if !said[store] && !slices.Contains(in.Options.AcceptRisk, store) {
			v.add(SeverityRefuse, "accept-risk", storeKey(store), "the vendor does not support rolling back object store %s (%s)", store, why).
				setDetails("", "", shellquote.Command("--accept-risk %s", store))
		}
		said[store] = true
	}
	for _, c := range in.Stores {
		if !c.Unchanged {
			add(c.StoreKey(), "its chart is rolled back from "+c.From.Version+" to "+c.To.Version)
		}
	}
	for _, s := range p.Steps {
		for _, r := range s.Restarts {
			add(r.Store, r.Why)
		}
	}
	return v
}
