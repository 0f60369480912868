package preflight

import "slices"

// OnlyTransientFailures reports whether everything that failed in r may pass by itself soon
// after a change: a health that its operator has not written again, a pod that
// is about to be ready. It is false where nothing failed.
func (r *Report) OnlyTransientFailures() bool {
	failed := false
	for _, result := range r.Results {
		if result.Status != Fail || result.Waived != "" {
			continue
		}
		failed = true
		if !slices.Contains([]string{
			"crds-established", "rollout-complete", "workloads-healthy", "stores-green", "stores-answer", "services-endpoints", "webhook-ready",
		}, result.ID) {
			return false
		}
	}
	return failed
}
