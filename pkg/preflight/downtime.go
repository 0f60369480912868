package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkDowntime says which stores stop for a while, and asks that this was
// accepted.
func checkDowntime(_ context.Context, s *Subject) Result {
	var f findings
	said := map[string]bool{}
	for _, st := range s.Plan.Steps {
		for _, r := range st.Restarts {
			if key := r.Store + string(r.Strategy); !said[key] {
				said[key] = true
				evaluateRestart(&f, s, st, r)
			}
		}
	}
	return f.buildResult("no outage: pods restart one by one, or not at all")
}

func evaluateRestart(f *findings, s *Subject, st plan.Step, r plan.Restart) {
	k := plan.ObjectKey{Kind: "ObjectStore"}
	k.Namespace, k.Name, _ = strings.Cut(r.Store, "/")
	opts := s.planOptions()
	if !r.Selected && !slices.Contains(opts.AcceptRestart, r.Store) {
		f.addFailure(k, "object store %s: step %s may restart %s, although the plan does not upgrade it (%s)", r.Store, st.ID, plural.CountAll(r.Pods, "pod"), r.Why).
			setDetails("restart", "accepted", "--accept-restart "+r.Store)
	}
	if r.Strategy != plan.AllAtOnce {
		f.addNote("object store %s: step %s restarts %s one by one (%s)", r.Store, st.ID, plural.Count(r.Pods, "pod"), r.Why)
		return
	}
	status := Fail
	if slices.Contains(opts.AcceptDowntime, r.Store) {
		status = Warn
	}
	f.addFinding(status, k, "object store %s: step %s restarts %s at the same time, which is an outage (%s)", r.Store, st.ID, plural.CountAll(r.Pods, "pod"), r.Why).
		setDetails(string(plan.AllAtOnce), string(plan.OneByOne), "--accept-downtime "+r.Store)
}

func checkDisruptionBudgets(_ context.Context, s *Subject) Result {
	if len(s.Facts.DisruptionBudgets) == 0 {
		return skipResult("no pod disruption budgets")
	}
	var f findings
	for _, b := range s.Facts.DisruptionBudgets {
		if b.DisruptionsAllowed == 0 {
			k := plan.ObjectKey{Kind: "PodDisruptionBudget", Namespace: b.Namespace, Name: b.Name}
			f.addWarning(k, "%s: currently allows no eviction", objectLabel(k)).setDetails("0 allowed", ">= 1 allowed", describeCommand(k))
		}
	}
	return f.buildResult("an eviction is allowed by %s", plural.Count(len(s.Facts.DisruptionBudgets), "pod disruption budget"))
}
