package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

func TestTheChecksKnowWhatAnEarlierUpgradeLeft(t *testing.T) {
	t.Parallel()
	called := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	run := func(result string) journal.Run {
		return journal.Run{
			Attempts: []journal.Attempt{{Started: called, Result: result}},
			Steps:    []journal.StepRecord{{Target: "aistor/aistor", Changed: true, Before: 2, Calling: true, Called: called, Making: &journal.Operation{Chart: "c", Version: "2", Values: plan.ValuesDigest(nil)}}},
		}
	}
	tests := []struct {
		name    string
		runs    []journal.Run
		updated time.Time
		want    bool
		own     []string
	}{
		{"none", nil, called, false, nil},
		{"killed", []journal.Run{run("")}, called, true, []string{"aistor/aistor"}},
		{"interrupted, and somebody else's Helm since", []journal.Run{run("interrupted")}, called.Add(time.Hour), true, nil},
		{"parked", []journal.Run{run("parked")}, called.Add(time.Hour), false, nil},
		{"done", []journal.Run{run("done")}, called.Add(time.Hour), false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &preflight.Subject{Facts: &plan.Facts{
				Operator: &plan.Release{Namespace: "aistor", Name: "aistor", Chart: "c", Version: "2", Status: "pending-upgrade", Revision: 3, Updated: tt.updated},
				Releases: []plan.Release{{Namespace: "team-a", Name: "primary", Chart: "c", Version: "2", Status: "pending-upgrade", Revision: 3, Updated: tt.updated}},
			}}
			resume(s, tt.runs)
			if diff := cmp.Diff(tt.own, s.OwnPending); diff != "" || s.Resuming != tt.want {
				t.Errorf("resuming %t, own (-want +got):\n%s", s.Resuming, diff)
			}
		})
	}
}

// What a check could not look at because the user interrupted it is no failed
// check.
func TestInterruptedCheckEndsAsInterrupted(t *testing.T) {
	t.Parallel()
	p := program(t)
	var out strings.Builder
	p.Out = &out
	o := upgradeOptions{runOptions: runOptions{targetOptions: targetOptions{Program: p}, checks: checkOptions{failOn: "fail"}}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := o.check(ctx, &target{}, &preflight.Subject{Facts: &plan.Facts{}}, preflight.PhaseA)
	if code := exitCode(ctx, err); code != ExitInterrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("code %d: %v", code, err)
	}
	if err == nil || err.Error() != "interrupted" || out.String() != "" {
		t.Errorf("error %v, output %q", err, out.String())
	}
}
