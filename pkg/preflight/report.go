package preflight

import (
	"fmt"
	"strings"
)

// The kinds of a [Report].
const (
	KindPreflight = "PreflightReport"
	KindValidate  = "ValidateReport"
)

// Report is the outcome of a run, a versioned document.
type Report struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Results    []Result `json:"results"`
	Summary    Summary  `json:"summary"`
	// Namespace is the only one that was read; empty means everything.
	Namespace string `json:"namespace,omitempty"`
	// Verdict is one sentence.
	Verdict string `json:"verdict"`
	// FailOnWarn says that warnings count as failures.
	FailOnWarn bool `json:"failOnWarn,omitempty"`
}

// Summary counts results. Waived ones are counted only there.
type Summary struct {
	Pass  int `json:"pass"`
	Warn  int `json:"warn"`
	Fail  int `json:"fail"`
	Skip  int `json:"skip"`
	Error int `json:"error"`
	// Unobserved are skipped because nothing could be observed; Skip counts them
	// too.
	Unobserved int `json:"unobserved,omitempty"`
	Waived     int `json:"waived,omitempty"`
}

// OK reports whether nothing is in the way: no failure, nothing that could
// not be read, and no warning where warnings count.
func (r *Report) OK() bool {
	s := r.Summary
	return s.Fail == 0 && s.Error == 0 && (!r.FailOnWarn || s.Warn == 0)
}

// AnyChecked reports whether any check ran: a report of checks that were
// all skipped says nothing of what it is about.
func (r *Report) AnyChecked() bool {
	s := r.Summary
	return s.Pass+s.Warn+s.Fail+s.Error+s.Waived > 0
}

// updateSummary counts the results and sets the verdict.
func (r *Report) updateSummary() {
	r.Summary = Summary{}
	for _, one := range r.Results {
		r.Summary.addResult(one)
	}
	r.Verdict = r.verdictText()
}

func (s *Summary) addResult(r Result) {
	switch {
	case r.Waived != "":
		s.Waived++
	case r.Status == Pass:
		s.Pass++
	case r.Status == Warn:
		s.Warn++
	case r.Status == Fail:
		s.Fail++
	case r.Status == Skip:
		s.Skip++
		if r.Unobserved {
			s.Unobserved++
		}
	default:
		s.Error++
	}
}

func (r *Report) verdictText() string {
	s := r.Summary
	if !r.AnyChecked() {
		return "nothing was checked"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{s.Fail, "failed"}, {s.Error, "errors"}, {s.Warn, "with a warning"}, {s.Waived, "waived"}, {s.Unobserved, "skipped"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	word := map[string][2]string{
		KindValidate: {"the installation is valid", "the installation has problems"},
	}[r.Kind]
	if r.Namespace != "" && word[0] != "" {
		word = [2]string{"namespace " + r.Namespace + " is valid", "namespace " + r.Namespace + " has problems"}
	}
	switch {
	case word[0] != "":
	case r.Namespace != "":
		word = [2]string{"namespace " + r.Namespace + " is ready", "namespace " + r.Namespace + " is not ready"}
	default:
		word = [2]string{"ready", "not ready"}
	}
	verdict := word[0]
	if !r.OK() {
		verdict = word[1]
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%s: %d passed", verdict, s.Pass)
	}
	return fmt.Sprintf("%s: %s, %d passed", verdict, strings.Join(parts, ", "), s.Pass)
}
