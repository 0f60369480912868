package preflight

import (
	"context"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func checkChartName(_ context.Context, s *Subject) Result {
	var f findings
	for _, c := range s.orderedChanges() {
		if advice, old := aistor.DeprecatedChart(c.To.Name, c.To.Version); old {
			f.addWarning(releaseKey(c.Key()), "release %s: chart %s is discontinued: %s", c.Key(), c.To, advice).
				setDetails(c.To.Name, aistor.OperatorChart, "helm pull "+aistor.OperatorChart+" --repo "+aistor.ChartRepository)
		}
	}
	return f.buildResult("chart names are current")
}

// checkPlan passes on what forbids the plan, unless a check above says it in
// more detail.
func checkPlan(_ context.Context, s *Subject) Result {
	var f findings
	if s.Reviewed != nil {
		why := s.StaleReason
		if what := s.Plan.DiffersFrom(s.Reviewed); why == "" && what != "" {
			why = "it was edited, or it was made for another cluster state: " + what
		}
		if why != "" {
			f.addFailure(plan.ObjectKey{}, "the reviewed plan is out of date: %s", why).
				setDetails(s.Plan.Digest(), s.Reviewed.Digest(), "create and review a plan for the current state with: helm aistor plan --out FILE")
		}
	}
	for _, n := range s.Plan.Refusals {
		if s.Inputs == nil || !plan.HasOwnCheck(n.ID) {
			f.addFailure(plan.ObjectKey{}, "%s: %s", n.ID, n.Message).setDetails("", "", n.Hint)
		}
	}
	for _, n := range s.Plan.Warnings {
		if s.Inputs == nil || !plan.HasOwnCheck(n.ID) {
			f.addWarning(plan.ObjectKey{}, "%s: %s", n.ID, n.Message).setDetails("", "", n.Hint)
		}
	}
	return f.buildResult("the plan with its %s is valid", plural.Count(len(s.Plan.Steps), "step"))
}
