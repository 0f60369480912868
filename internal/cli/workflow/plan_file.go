package workflow

import (
	"fmt"
	"os"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ReadPlanFile reads the plan in a file; see [readPlan].
func ReadPlanFile(file string) (*plan.Plan, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading plan: %w", err)
	}
	return ReadPlan(file, b)
}

// ReadPlan reads a plan that was written with --out. Unknown fields are
// errors: they may be what a newer version wanted to be heeded.
func ReadPlan(file string, b []byte) (*plan.Plan, error) {
	var p plan.Plan
	err := plan.UnmarshalDocument(b, &p)
	if err == nil {
		err = term.WithCode(term.ExitCheckFailed, p.Preflight.Contradiction())
	}
	switch {
	case err != nil:
		return nil, term.WithHint(fmt.Errorf("reading plan %q: %w", file, err), planHint)
	case p.Kind != plan.KindPlan:
		return nil, term.WithHint(message.Errorf("reading plan %q: it is another kind of document\nreceived: kind %q\nexpected: kind %q", file, p.Kind, plan.KindPlan), planHint)
	}
	return &p, nil
}

// planHint says where plan files come from.
const planHint = "helm aistor plan --out FILE writes a plan"
