package plan

// DryRun is one request of the upgrade that was sent to the API server
// beforehand, as a dry run: it is validated and admitted, not stored.
type DryRun struct {
	ObjectKey `json:",inline"`
	// Change is what the request is part of: namespace/release and the chart.
	Change string `json:"change"`
	// Pod says that it was a copy of a pod with the images of the target.
	Pod     bool          `json:"pod,omitempty"`
	Outcome DryRunOutcome `json:"outcome"`
	// Cause is the server's answer, or why nothing was asked. It holds no
	// secrets.
	Cause string `json:"cause,omitempty"`
	// Fields are those that the server named.
	Fields []string `json:"fields,omitempty"`
}

// DryRunOutcome is how a trial ended.
type DryRunOutcome string

// The outcomes of a [DryRun].
const (
	DryRunAccepted DryRunOutcome = "accepted"
	DryRunRefused  DryRunOutcome = "refused"
	// DryRunUnknown means that the server could not be asked, or that something
	// it asks takes no dry runs.
	DryRunUnknown DryRunOutcome = "unknown"
	// DryRunSkipped means that the server cannot validate it yet, because it depends
	// on what the upgrade itself brings.
	DryRunSkipped DryRunOutcome = "skipped"
)
