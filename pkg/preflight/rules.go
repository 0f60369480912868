package preflight

import (
	"context"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// ruleCheck is the check that reports what the rule with an ID finds. The plan
// takes its refusals and warnings from the same rule.
func ruleCheck(id string) Check {
	rules := plan.Rules()
	rule := rules[slices.IndexFunc(rules, func(r plan.Rule) bool { return r.ID == id && r.Title != "" })]
	return Check{ID: rule.ID, Title: rule.Title, Phase: PhaseA, Needs: rule.Needs, Inspects: rule.Inspects, FailsWhen: rule.FailsWhen,
		WithInputs: !rule.WithoutInputs, WithPlan: rule.WithPlan,
		Run: func(_ context.Context, s *Subject) Result {
			return verdictResult(rule.Evaluate(s.ruleInputs(), s.Plan))
		}}
}

// ruleInputs are the inputs with the options and the registry of the plan; without
// a bundle they are the facts alone.
func (s *Subject) ruleInputs() plan.Inputs {
	var in plan.Inputs
	if s.Inputs != nil {
		in = *s.Inputs
	}
	in.Facts, in.Options, in.Registry = s.Facts, s.planOptions(), s.registrySettings()
	return in
}

func verdictResult(v plan.Verdict) Result {
	if v.Skipped != "" {
		return Result{Status: Skip, Unobserved: v.Unobserved, Message: v.Skipped}
	}
	var f findings
	for _, one := range v.Findings {
		if one.Severity == plan.SeverityNote {
			f.addNote("%s", one.Message)
			continue
		}
		f.addFinding(statusOf(one.Severity), one.Object, "%s", one.Message).setDetails(one.Observed, one.Required, one.Remedy)
	}
	return f.buildResult("%s", v.Passed)
}

func statusOf(s plan.Severity) Status {
	switch s {
	case plan.SeverityRefuse, plan.SeverityFail:
		return Fail
	case plan.SeverityWarn:
		return Warn
	default:
		return Error
	}
}
