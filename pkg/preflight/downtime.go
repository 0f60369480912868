package preflight

import (
	"context"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func checkDisruptionBudgets(_ context.Context, s *Subject) Result {
	if len(s.Facts.DisruptionBudgets) == 0 {
		return skipResult("no pod disruption budgets")
	}
	var f findings
	for _, b := range s.Facts.DisruptionBudgets {
		if b.DisruptionsAllowed == 0 {
			k := plan.ObjectKey{Kind: "PodDisruptionBudget", Namespace: b.Namespace, Name: b.Name}
			f.addWarning(k, "%s: currently allows no eviction", k.Label()).setDetails("0 allowed", ">= 1 allowed", describeCommand(k))
		}
	}
	return f.buildResult("an eviction is allowed by %s", plural.Count(len(s.Facts.DisruptionBudgets), "pod disruption budget"))
}
