package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkDowntime says which stores stop for a while, and asks that this was
// accepted.
func checkDowntime(_ context.Context, s *Subject) Result {
	var f findings
	said := map[string]bool{}
	for _, st := range s.Plan.Steps {
		for _, r := range st.Restarts {
			if key := r.Store + string(r.How); !said[key] {
				said[key] = true
				judgeRestart(&f, s, st, r)
			}
		}
	}
	return f.result("no object store stops: pods restart one by one, or not at all")
}

func judgeRestart(f *findings, s *Subject, st plan.Step, r plan.Restart) {
	k := plan.ObjectKey{Kind: "ObjectStore"}
	k.Namespace, k.Name, _ = strings.Cut(r.Store, "/")
	opts := s.options()
	if !r.Selected && !slices.Contains(opts.AcceptRestart, r.Store) {
		f.fail(k, "object store %s: step %s may restart %s of it, though this plan does not upgrade it (%s)", r.Store, st.ID, words.All(r.Pods, "pod"), r.Why).
			wanted("restart", "accepted", "--accept-restart "+r.Store)
	}
	if r.How != plan.AllAtOnce {
		f.note("object store %s: step %s restarts %s one by one (%s)", r.Store, st.ID, words.Count(r.Pods, "pod"), r.Why)
		return
	}
	status := Fail
	if slices.Contains(opts.AcceptDowntime, r.Store) {
		status = Warn
	}
	f.add(status, k, "object store %s: step %s restarts %s at once, an outage (%s)", r.Store, st.ID, words.All(r.Pods, "pod"), r.Why).
		wanted(string(plan.AllAtOnce), string(plan.OneByOne), "--accept-downtime "+r.Store)
}

func checkBudgets(_ context.Context, s *Subject) Result {
	if len(s.Facts.Budgets) == 0 {
		return skip("no pod disruption budgets")
	}
	var f findings
	for _, b := range s.Facts.Budgets {
		if b.Allowed == 0 {
			k := plan.ObjectKey{Kind: "PodDisruptionBudget", Namespace: b.Namespace, Name: b.Name}
			f.warn(k, "%s: allows no pod to be evicted now", label(k)).wanted("0 allowed", ">= 1 allowed", describe(k))
		}
	}
	return f.result("an eviction is allowed by %s", words.Count(len(s.Facts.Budgets), "pod disruption budget"))
}
