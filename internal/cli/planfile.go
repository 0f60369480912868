package cli

import (
	"fmt"
	"os"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// readPlanFile reads the plan in a file; see [readPlan].
func readPlanFile(file string) (*plan.Plan, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading plan: %w", err)
	}
	return readPlan(file, b)
}

// readPlan reads a plan that was written with --out. Unknown fields are
// errors: they may be what a newer version wanted to be heeded.
func readPlan(file string, b []byte) (*plan.Plan, error) {
	var p plan.Plan
	err := plan.UnmarshalDocument(b, &p)
	if err != nil && p.Kind == plan.KindPlan {
		return nil, fmt.Errorf("reading plan %q: %w", file, err)
	}
	if err != nil || p.Kind != plan.KindPlan {
		return nil, withHint(fmt.Errorf("reading plan %q: it is not an %s", file, plan.KindPlan), "helm aistor plan --out writes one")
	}
	return &p, nil
}
