package plan

// Trial is one request of the upgrade that was sent to the API server
// beforehand, as a dry run: everything judges it, nothing is stored.
type Trial struct {
	ObjectKey `json:",inline"`
	// Change is what the request is part of: namespace/release and the chart.
	Change string `json:"change"`
	// Pod says that it was a copy of a pod with the images of the target.
	Pod     bool         `json:"pod,omitempty"`
	Outcome TrialOutcome `json:"outcome"`
	// Cause is the server's answer, or why nothing was asked. It holds no
	// secrets.
	Cause string `json:"cause,omitempty"`
	// Fields are those that the server named.
	Fields []string `json:"fields,omitempty"`
}

// TrialOutcome is how a trial ended.
type TrialOutcome string

// The outcomes of a [Trial].
const (
	TrialAccepted TrialOutcome = "accepted"
	TrialRefused  TrialOutcome = "refused"
	// TrialUnknown means that the server could not be asked, or that something
	// it asks takes no dry runs.
	TrialUnknown TrialOutcome = "unknown"
	// TrialSkipped means that the server can't judge it yet, because it rests
	// on what the upgrade itself brings.
	TrialSkipped TrialOutcome = "skipped"
)
