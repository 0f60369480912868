package preflight

import (
	"slices"
	"strings"
	"testing"
)

// What an interrupted upgrade leaves must not stand in the way of the one that
// continues, and must still fail the proof of the outcome.
func TestWhatAnInterruptedUpgradeLeftWarnsBeforeAndFailsAfter(t *testing.T) {
	t.Parallel()
	broken := func(t *testing.T) *Subject {
		s := readySubject(t)
		s.Facts.Workloads[0].Ready, s.Facts.Stores[0].Health = 0, "yellow"
		s.Facts.Services[0].Ready, s.Facts.Webhooks[0].CABundle = 0, 0
		return s
	}
	before := []string{"workloads-healthy", "stores-healthy", "operator-service", "webhook-ready"}
	after := []string{"workloads-healthy", "stores-green", "webhook-ready"}
	tests := []struct {
		name   string
		change func(s *Subject)
		want   Status
		line   string
	}{
		{"nothing explains it", func(*Subject) {}, Fail, ""},
		{"an upgrade of ours was interrupted", func(s *Subject) { s.Resuming = true }, Warn, "left by the interrupted upgrade, which is resumed"},
		{"a Helm failed at the operator", func(s *Subject) { s.Facts.Operator.Status = "failed" }, Warn, "left by an interrupted Helm operation"},
		{"a Helm was killed at the operator", func(s *Subject) { s.Facts.Operator.Status = "pending-upgrade" }, Warn, "left by an interrupted Helm operation"},
		{"a Helm failed and the operator is not changed", func(s *Subject) { s.Facts.Operator.Status, s.Inputs.Operator = "failed", nil }, Fail, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := broken(t)
			tt.change(s)
			for _, r := range Run(t.Context(), PreUpgradeChecks(), s, Options{Only: before}).Results {
				if r.Status != tt.want || !strings.Contains(r.Message, tt.line) || !strings.Contains(r.Details[0], tt.line) {
					t.Errorf("%s: received %s: %s\n%s", r.ID, r.Status, r.Message, r.Details)
				}
			}
			for _, r := range Run(t.Context(), PostUpgradeChecks(), s, Options{Only: after}).Results {
				if slices.Contains(after, r.ID) && r.Status != Fail {
					t.Errorf("after, %s: received %s: %s", r.ID, r.Status, r.Message)
				}
			}
		})
	}
}

// A look that was refused proves nothing, however the upgrade before ended.
func TestAGapStaysAnErrorForAnInterruptedUpgrade(t *testing.T) {
	t.Parallel()
	s := readySubject(t)
	s.Resuming = true
	s.Facts.Gaps = append(s.Facts.Gaps, gapIn("pods"))
	if r := Run(t.Context(), PreUpgradeChecks(), s, Options{Only: []string{"workloads-healthy"}}).Results[0]; r.Status != Error {
		t.Errorf("received %s: %s", r.Status, r.Message)
	}
}
