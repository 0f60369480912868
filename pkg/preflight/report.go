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
	// Namespace is the only one that was looked at; empty means everything.
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
	// Unseen are skipped because nothing could be looked at; Skip counts them
	// too.
	Unseen int `json:"unseen,omitempty"`
	Waived int `json:"waived,omitempty"`
}

// OK reports whether nothing stands in the way: no failure, nothing that could
// not be looked at, and no warning where warnings count.
func (r *Report) OK() bool {
	s := r.Summary
	return s.Fail == 0 && s.Error == 0 && (!r.FailOnWarn || s.Warn == 0)
}

// Checked reports whether anything was looked at: a report of checks that were
// all skipped says nothing of what it is about.
func (r *Report) Checked() bool {
	s := r.Summary
	return s.Pass+s.Warn+s.Fail+s.Error+s.Waived > 0
}

// conclude counts and judges.
func (r *Report) conclude() {
	r.Summary = Summary{}
	for _, one := range r.Results {
		r.Summary.count(one)
	}
	r.Verdict = r.verdict()
}

func (s *Summary) count(r Result) {
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
		if r.Unseen {
			s.Unseen++
		}
	default:
		s.Error++
	}
}

func (r *Report) verdict() string {
	s := r.Summary
	if !r.Checked() {
		return "nothing was checked"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{s.Fail, "failed"}, {s.Error, "could not be looked at"}, {s.Warn, "with a warning"}, {s.Waived, "waived"}, {s.Unseen, "not looked at"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	word := map[string][2]string{
		KindValidate: {"the installation is as it should be", "the installation is not as it should be"},
	}[r.Kind]
	if r.Namespace != "" && word[0] != "" {
		word = [2]string{"namespace " + r.Namespace + " is as it should be", "namespace " + r.Namespace + " is not as it should be"}
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
