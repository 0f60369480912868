package plan

import (
	"fmt"
	"slices"
)

// Severity says what a [Finding] means for the plan and for the check that
// reports it.
type Severity int

// The severities of findings.
const (
	// SeverityRefuse refuses the plan and fails the check.
	SeverityRefuse Severity = iota
	// SeverityRefuseUnknown refuses the plan and makes the check an error, since
	// something could not be read.
	SeverityRefuseUnknown
	// SeverityFail fails the check; the plan only warns, since the check may be
	// waived.
	SeverityFail
	// SeverityUnknown makes the check an error; the plan says nothing of it.
	SeverityUnknown
	// SeverityWarn is a warning of the plan and of the check.
	SeverityWarn
	// SeverityNote is a detail of the check.
	SeverityNote
)

// Finding is one thing that a [Rule] found.
type Finding struct {
	// Notice is the ID of the plan's refusal or warning.
	Notice   string
	Severity Severity
	// Object is what the finding is about; zero where it is nothing on the cluster.
	Object ObjectKey
	// Message is one line.
	Message string
	// Observed and Required are what was found and what is needed.
	Observed, Required string
	// Remedy is a command, a flag or a values path.
	Remedy string
}

// Verdict is what a [Rule] found about one plan.
type Verdict struct {
	// Findings in the order in which people read them.
	Findings []Finding
	// Skipped says why the rule does not apply; empty where it does.
	Skipped string
	// Unobserved says that it may apply, but that nothing could be observed.
	Unobserved bool
	// Passed says what is right where nothing was found.
	Passed string
}

// Rule decides one thing about the changes of a plan. [Build] turns its findings
// into refusals and warnings, and a preflight into the result of a check, so that
// the two cannot disagree. Rules are values without state.
type Rule struct {
	// ID is kebab-case and stable for ever. It is the ID of the check, where the
	// rule has one.
	ID string
	// Title, Inspects and FailsWhen describe the check; Title is empty where the
	// findings are part of the check of the plan itself.
	Title, Inspects, FailsWhen string
	// Notices are the IDs of refusals and warnings that only this rule gives.
	Notices []string
	// Needs are the resources, in plural, that the rule reads from the facts.
	Needs []string
	// WithoutInputs says that the check applies also where there is no bundle,
	// WithPlan that it needs the plan's steps or images.
	WithoutInputs, WithPlan bool
	// Evaluate decides. p is nil where no plan was made, unless WithPlan is set.
	Evaluate func(in Inputs, p *Plan) Verdict
}

// Rules are all rules, in the order of the notices of a plan.
func Rules() []Rule {
	return []Rule{
		gitOpsRule(), chartRule(), downgradeRule(), removalRule(), ownershipRule(), valuesRule(), licenseRemovalRule(),
		orderRule(), fieldsRule(), rollbackRiskRule(), licenseReturnsRule(),
		credentialsRule(), acceptedVolumesRule(), downtimeRule(), privateReferencesRule(), bundleRule(), pinnedImageRule(),
	}
}

// evaluateRules turns the findings of all rules into refusals and warnings.
func evaluateRules(in Inputs, p *Plan) (refusals, warnings []Notice) {
	for _, r := range Rules() {
		for _, f := range r.Evaluate(in, p).Findings {
			n := Notice{ID: f.Notice, Message: f.Message, Hint: f.Remedy}
			switch f.Severity {
			case SeverityRefuse, SeverityRefuseUnknown:
				refusals = append(refusals, n)
			case SeverityFail, SeverityWarn:
				warnings = append(warnings, n)
			}
		}
	}
	return refusals, warnings
}

// HasOwnCheck reports whether a check of its own reports the notices with an ID,
// beside the check of the plan itself.
func HasOwnCheck(notice string) bool {
	return slices.ContainsFunc(Rules(), func(r Rule) bool { return r.Title != "" && slices.Contains(r.Notices, notice) })
}

// add records a finding and returns it for further details.
func (v *Verdict) add(s Severity, notice string, object ObjectKey, format string, args ...any) *Finding {
	v.Findings = append(v.Findings, Finding{Notice: notice, Severity: s, Object: object, Message: fmt.Sprintf(format, args...)})
	return &v.Findings[len(v.Findings)-1]
}

func (v *Verdict) addNote(format string, args ...any) {
	v.add(SeverityNote, "", ObjectKey{}, format, args...)
}

// setDetails completes a finding with what was found, what is needed and what helps.
func (f *Finding) setDetails(observed, required, remedy string) {
	f.Observed, f.Required, f.Remedy = observed, required, remedy
}
