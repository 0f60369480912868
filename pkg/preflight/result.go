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
	// Error says that something could not be looked at.
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
	// Unseen says that a skipped check could not look: it is no pass, and the
	// verdict counts it.
	Unseen bool `json:"unseen,omitempty"`
	// Waived is the reason why a finding was accepted.
	Waived string `json:"waived,omitempty"`
}

// skip is a result that says why a check does not apply.
func skip(format string, args ...any) Result {
	return Result{Status: Skip, Message: fmt.Sprintf(format, args...)}
}

// unseen is a skip that says why nothing could be looked at where that is no
// fault of the installation: it lies outside of what was asked for, or only
// makes a good thing better known.
func unseen(format string, args ...any) Result {
	return Result{Status: Skip, Unseen: true, Message: fmt.Sprintf(format, args...)}
}

// pass is a result without findings.
func pass(format string, args ...any) Result {
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

// add records one finding and hands it back so that it can be given more.
func (f *findings) add(status Status, object plan.ObjectKey, format string, args ...any) *finding {
	f.list = append(f.list, finding{status: status, object: object, line: fmt.Sprintf(format, args...)})
	return &f.list[len(f.list)-1]
}

func (f *findings) fail(object plan.ObjectKey, format string, args ...any) *finding {
	return f.add(Fail, object, format, args...)
}

func (f *findings) warn(object plan.ObjectKey, format string, args ...any) *finding {
	return f.add(Warn, object, format, args...)
}

func (f *findings) error(object plan.ObjectKey, format string, args ...any) *finding {
	return f.add(Error, object, format, args...)
}

// note records something worth reading that is no finding.
func (f *findings) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// wanted completes a finding with what was seen, what was needed and what
// helps.
func (f *finding) wanted(observed, required, remedy string) {
	f.observed, f.required, f.remedy = observed, required, remedy
}

// result is the worst finding with all others below it, or a pass that says
// what the arguments say.
func (f *findings) result(format string, args ...any) Result {
	if len(f.list) == 0 {
		r := pass(format, args...)
		r.Details = f.notes
		return r
	}
	var r Result
	for _, status := range []Status{Fail, Error, Warn} {
		for _, one := range f.list {
			if one.status == status {
				r.take(one)
			}
		}
	}
	if n := len(r.Details) - 1; n > 0 {
		r.Message += fmt.Sprintf(" (and %d more)", n)
	}
	r.Details = append(r.Details, f.notes...)
	return r
}

func (r *Result) take(one finding) {
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
