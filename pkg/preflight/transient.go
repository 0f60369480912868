package preflight

import "slices"

// OnlyTransientFailures reports whether something failed in r, and only checks that
// are [Check.Transient]: it is worth waiting. It is false where nothing failed.
func (r *Report) OnlyTransientFailures() bool {
	checks := PostUpgradeChecks()
	failed := false
	for _, result := range r.Results {
		if result.Status != Fail || result.Waived != "" {
			continue
		}
		failed = true
		if !slices.ContainsFunc(checks, func(c Check) bool { return c.ID == result.ID && c.Transient }) {
			return false
		}
	}
	return failed
}
