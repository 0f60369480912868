package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/clitest"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/option"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/verb"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/workflow"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// confirmRuns is what records, the oldest first and a minute apart, say to the
// revisions that facts show.
func confirmRuns(t *testing.T, f *plan.Facts, records ...journal.Run) *journal.Confirmed {
	t.Helper()
	client := fake.NewSimpleClientset()
	for i, r := range records {
		r.APIVersion = plan.APIVersion
		doc, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		cm := &core.ConfigMap{
			ObjectMeta: meta.ObjectMeta{Name: fmt.Sprint("record-", i), Namespace: "aistor", CreationTimestamp: meta.NewTime(clitest.Clock.Add(time.Duration(i) * time.Minute)),
				Labels: map[string]string{"app.kubernetes.io/managed-by": journal.ManagedBy}},
			Data: map[string]string{"run.json": string(doc)},
		}
		if _, err := client.CoreV1().ConfigMaps("aistor").Create(t.Context(), cm, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := journal.Read(t.Context(), client, "aistor")
	if err != nil || len(all.Runs()) == 0 && len(records) > 0 {
		t.Fatalf("%d runs, error %v", len(all.Runs()), err)
	}
	return all.Confirm(journal.EvidenceOf(f))
}

// A journal is anybody's word. What softens a check, and what a pending revision
// is taken for, is what Helm's records bear out.
func TestTheChecksKnowWhatAnEarlierUpgradeLeft(t *testing.T) {
	t.Parallel()
	run := func(digit, result string) journal.Run {
		return journal.Run{
			Plan: "sha256:" + strings.Repeat(digit, 64), Attempts: []journal.Attempt{{Started: clitest.Clock, Result: result}},
			Claims: plan.ClaimRecords{"team-a/" + digit: {"data": {UID: "u"}}},
			Steps: []journal.StepRecord{{ID: "s", Action: plan.ActionOperator, Target: "aistor/aistor", Status: journal.StepStarted, Changed: true, Before: 2, Calling: true, Called: clitest.Clock,
				To:     &plan.ChartRef{Name: "c", Version: "2"},
				Making: &journal.Operation{Chart: "c", Version: "2", Values: plan.ValuesDigest(nil)}}},
		}
	}
	deployed := func(digit string) func(*plan.InstalledRelease) {
		return func(r *plan.InstalledRelease) {
			r.Status, r.Description = "deployed", journal.DescriptionPrefix+strings.Repeat(digit, 12)+" step s chart x"
		}
	}
	before := func(r *plan.InstalledRelease) { // as it was before the run
		r.Revision, r.Version, r.Status, r.Description = 2, "1", "deployed", "Upgrade complete"
		r.Updated, r.Created = clitest.Clock.Add(-time.Hour), clitest.Clock.Add(-time.Hour)
	}
	saved := run("e", "")
	saved.Steps[0] = journal.StepRecord{ID: "recreate-bindings", Action: plan.ActionRecreateBindings, Target: "aistor/aistor", Status: journal.StepDone, Changed: true,
		Saved: []images.Object{{"kind": "ClusterRoleBinding", "metadata": map[string]any{"name": "aistor-adminjob"}}}}
	unbound := func(r *plan.InstalledRelease) {
		before(r)
		r.Manifest = "kind: ClusterRoleBinding\nmetadata: {name: aistor-adminjob}\n"
	}
	tests := []struct {
		name     string
		runs     []journal.Run // the oldest first
		change   func(*plan.InstalledRelease)
		resuming bool
		own      []string
		claims   string // of which run
		doubts   int
	}{
		{"none", nil, nil, false, nil, "", 0},
		{"killed", []journal.Run{run("a", "")}, nil, true, []string{"aistor/aistor"}, "a", 0},
		{"interrupted, and somebody else's Helm since", []journal.Run{run("a", "interrupted")}, func(r *plan.InstalledRelease) {
			r.Updated, r.Created = clitest.Clock.Add(time.Hour), clitest.Clock.Add(time.Hour)
		}, false, nil, "", 0},
		{"paused", []journal.Run{run("a", "paused")}, deployed("a"), false, []string{"aistor/aistor"}, "a", 0},
		{"done", []journal.Run{run("a", "done")}, deployed("a"), false, []string{"aistor/aistor"}, "", 0},
		{"killed between the deletion of bindings and Helm", []journal.Run{saved}, unbound, true, nil, "e", 0},
		{"forged: nothing of it is true", []journal.Run{run("e", "")}, before, false, nil, "", 1},
		{"forged: bindings that are all there", []journal.Run{saved}, before, false, nil, "", 1},
		{"forged: somebody else's pending revision", []journal.Run{{Plan: "sha256:0", Attempts: []journal.Attempt{{}}}, run("e", "")},
			func(r *plan.InstalledRelease) { r.Created = clitest.Clock.Add(30 * time.Second) }, false, nil, "", 1},
		{"forged: a newer run that hides the killed one", []journal.Run{run("a", ""), run("e", "done")}, nil, true, []string{"aistor/aistor"}, "a", 1},
		{"forged: a newer run that resumed the killed one, and was done", []journal.Run{run("a", ""), {Plan: "sha256:e", Resumes: run("a", "").Plan, ChangedBefore: true, Attempts: []journal.Attempt{{Result: "done"}}}},
			nil, true, []string{"aistor/aistor"}, "a", 0},
		{"forged: another attempt says that the killed run was done", []journal.Run{run("a", ""), run("a", "done")}, nil, true, []string{"aistor/aistor"}, "a", 0},
		{"forged: another attempt says that the run which was done was not", []journal.Run{run("a", "done"), run("a", "stopped")}, deployed("a"), false, []string{"aistor/aistor"}, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := plan.InstalledRelease{Namespace: "aistor", Name: "aistor", Chart: "c", Version: "2", Revision: 3, Status: "pending-upgrade", Updated: clitest.Clock, Created: clitest.Clock}
			if tt.change != nil {
				tt.change(&r)
			}
			s := &preflight.Subject{Facts: &plan.Facts{Operator: &r}}
			c := confirmRuns(t, s.Facts, tt.runs...)
			workflow.AddRunState(s, c)
			if diff := cmp.Diff(tt.own, s.OwnPending); diff != "" || s.Resuming != tt.resuming {
				t.Errorf("resuming %t, own (-want +got):\n%s", s.Resuming, diff)
			}
			if _, ok := s.Recorded["team-a/"+tt.claims]; ok != (tt.claims != "") || !ok && s.Recorded != nil {
				t.Errorf("recorded claims: %v", s.Recorded)
			}
			if len(c.Doubts) != tt.doubts {
				t.Errorf("doubts: %v", c.Doubts)
			}
		})
	}
}

// What a check could not check because the user interrupted it is no failed
// check.
func TestInterruptedCheckEndsAsInterrupted(t *testing.T) {
	t.Parallel()
	p := clitest.NewProgram(t)
	var out strings.Builder
	p.Out = &out
	o := verb.UpgradeOptions{RunOptions: workflow.RunOptions{TargetOptions: workflow.TargetOptions{Program: p}, Checks: option.Checks{FailOn: "fail"}}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := o.RunPhaseChecks(ctx, &workflow.Target{}, &preflight.Subject{Facts: &plan.Facts{}}, preflight.PhaseA)
	if code := term.ExitCode(ctx, err); code != term.ExitInterrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("code %d: %v", code, err)
	}
	if err == nil || err.Error() != "interrupted" || out.String() != "" {
		t.Errorf("error %v, output %q", err, out.String())
	}
}
