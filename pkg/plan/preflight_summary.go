package plan

import (
	"errors"
	"slices"
)

// PreflightSummary is what a preflight said when a plan was written down, for whoever
// reviews it. It is no part of what is executed: the checks are made again
// then.
type PreflightSummary struct {
	// Text is one sentence, OK whether nothing stood in the way.
	Text string `json:"text"`
	OK   bool   `json:"ok"`
	// Findings are the checks that did not pass, in their order.
	Findings []PreflightFinding `json:"findings,omitempty"`
	// Acknowledged are what only a person can do and said was done, by ID.
	Acknowledged []string `json:"acknowledged,omitempty"`
}

// PreflightFinding is one check that did not pass.
type PreflightFinding struct {
	// Check is its stable ID, Status its outcome.
	Check   string `json:"check"`
	Status  string `json:"status"`
	Message string `json:"message"`
	// Waived is the reason why it was accepted.
	Waived string `json:"waived,omitempty"`
}

// Contradiction is an error where the verdict is not what its own findings add
// up to: somebody has edited it. A nil verdict contradicts nothing.
func (v *PreflightSummary) Contradiction() error {
	if v == nil {
		return nil
	}
	stops := slices.ContainsFunc(v.Findings, func(f PreflightFinding) bool {
		return f.Waived == "" && (f.Status == "fail" || f.Status == "error")
	})
	if v.OK && stops {
		return errors.New("its preflight was edited: it says that nothing stands in the way, and has a check that failed")
	}
	return nil
}

// Unseen are the findings of now that who reviewed then has not seen: checks
// that passed by then, or that nobody had waived. A nil verdict has no findings.
func (v *PreflightSummary) Unseen(then *PreflightSummary) []PreflightFinding {
	if v == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.Findings), func(f PreflightFinding) bool {
		return then != nil && slices.ContainsFunc(then.Findings, func(o PreflightFinding) bool {
			return o.Check == f.Check && o.Status == f.Status && (f.Waived == "" || o.Waived == f.Waived)
		})
	})
}
