package plan

// Verdict is what a preflight said when a plan was written down, for whoever
// reviews it. It is no part of what is carried out: the checks are made again
// then.
type Verdict struct {
	// Text is one sentence, OK whether nothing stood in the way.
	Text string `json:"text"`
	OK   bool   `json:"ok"`
	// Findings are the checks that did not pass, in their order.
	Findings []VerdictFinding `json:"findings,omitempty"`
	// Acknowledged are what only a person can do and said was done, by ID.
	Acknowledged []string `json:"acknowledged,omitempty"`
}

// VerdictFinding is one check that did not pass.
type VerdictFinding struct {
	// Check is its stable ID, Status its outcome.
	Check   string `json:"check"`
	Status  string `json:"status"`
	Message string `json:"message"`
	// Waived is the reason why it was accepted.
	Waived string `json:"waived,omitempty"`
}
