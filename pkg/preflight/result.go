package preflight

import (
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Status is the outcome of one check.
type Status string

// The outcomes, from the best to the worst.
const (
	Pass Status = "pass"
	// Skip says that the check does not apply, and why.
	Skip Status = "skip"
	Warn Status = "warn"
	// Error says that something could not be read.
	Error Status = "error"
	Fail  Status = "fail"
)

// Result is what one check found.
type Result struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Status Status `json:"status"`
	// Message is one sentence that names the first finding, or what passed.
	Message  string `json:"message"`
	Observed string `json:"observed,omitempty"`
	Required string `json:"required,omitempty"`
	// Remedy is a command or a values path to paste.
	Remedy  string           `json:"remedy,omitempty"`
	Objects []plan.ObjectKey `json:"objects,omitempty"`
	// Details has one line a finding, the worst first.
	Details []string `json:"details,omitempty"`
	// Unobserved says that a skipped check could not observe anything: it is not a pass, and the
	// verdict counts it.
	Unobserved bool `json:"unobserved,omitempty"`
	// Waived is the reason why a finding was accepted.
	Waived string `json:"waived,omitempty"`
}

// skipResult is a result that says why a check does not apply.
func skipResult(format string, args ...any) Result {
	return Result{Status: Skip, Message: fmt.Sprintf(format, args...)}
}

// unobservedResult is a skip that says why nothing could be observed where that is no
// fault of the installation: it lies outside what was asked for, or only
// makes a good thing better known.
func unobservedResult(format string, args ...any) Result {
	return Result{Status: Skip, Unobserved: true, Message: fmt.Sprintf(format, args...)}
}

// passResult is a result without findings.
func passResult(format string, args ...any) Result {
	return Result{Status: Pass, Message: fmt.Sprintf(format, args...)}
}

// finding is one line of a result.
type finding struct {
	status             Status
	line               string
	observed, required string
	remedy             string
	object             plan.ObjectKey
}

// findings gathers what a check found. The zero value is ready to use; it is
// not safe for concurrent use.
type findings struct {
	list  []finding
	notes []string
}

// addFinding records one finding and returns it for further details.
func (f *findings) addFinding(status Status, object plan.ObjectKey, format string, args ...any) *finding {
	f.list = append(f.list, finding{status: status, object: object, line: fmt.Sprintf(format, args...)})
	return &f.list[len(f.list)-1]
}

func (f *findings) addFailure(object plan.ObjectKey, format string, args ...any) *finding {
	return f.addFinding(Fail, object, format, args...)
}

func (f *findings) addWarning(object plan.ObjectKey, format string, args ...any) *finding {
	return f.addFinding(Warn, object, format, args...)
}

func (f *findings) addError(object plan.ObjectKey, format string, args ...any) *finding {
	return f.addFinding(Error, object, format, args...)
}

// addNote records something worth reading that is no finding.
func (f *findings) addNote(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// setDetails completes a finding with what was seen, what was needed and what
// helps.
func (f *finding) setDetails(observed, required, remedy string) {
	f.observed, f.required, f.remedy = observed, required, remedy
}

// buildResult is the worst finding with all others below it, or a pass that says
// what the arguments say.
func (f *findings) buildResult(format string, args ...any) Result {
	if len(f.list) == 0 {
		r := passResult(format, args...)
		r.Details = f.notes
		return r
	}
	var r Result
	for _, status := range []Status{Fail, Error, Warn} {
		for _, one := range f.list {
			if one.status == status {
				r.mergeFinding(one)
			}
		}
	}
	if n := len(r.Details) - 1; n > 0 {
		r.Message += fmt.Sprintf(" (and %d more)", n)
	}
	r.Details = append(r.Details, f.notes...)
	return r
}

func (r *Result) mergeFinding(one finding) {
	if r.Status == "" {
		r.Status, r.Message = one.status, one.line
		r.Observed, r.Required = one.observed, one.required
	}
	if r.Remedy == "" {
		r.Remedy = one.remedy
	}
	r.Details = append(r.Details, one.line)
	if one.object.Kind != "" && (len(r.Objects) == 0 || r.Objects[len(r.Objects)-1] != one.object) {
		r.Objects = append(r.Objects, one.object)
	}
}
