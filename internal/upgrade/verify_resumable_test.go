package upgrade

import (
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// A reviewed plan continues after a part of it was done, and stops where somebody
// else had a hand in what is left.
func TestWhatIsLeftOfAReviewedPlan(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tc := range []struct {
		name   string
		change func(now *plan.Plan, f *plan.Facts, run *journal.Run)
		want   string // empty: continues
	}{
		{"the operator is done, the store is left", func(*plan.Plan, *plan.Facts, *journal.Run) {}, ""},
		{"nothing was done yet", func(_ *plan.Plan, _ *plan.Facts, r *journal.Run) { r.Steps = nil }, "made for another cluster state: step operator-5.10.0 differs in before, unchanged"},
		{"another bundle", func(p *plan.Plan, _ *plan.Facts, _ *journal.Run) { p.Bundle.Digest = "sha256:other" }, "the bundle differs"},
		{"the store was upgraded by somebody", func(_ *plan.Plan, f *plan.Facts, _ *journal.Run) { f.Releases[0].Revision = 4 }, "Release/team-a/primary was changed by another client: revision"},
		{"the operator was upgraded by somebody once more", func(_ *plan.Plan, f *plan.Facts, _ *journal.Run) { f.Operator.Revision = 5 }, "Release/aistor/aistor was changed by another client: revision"},
		{"the same steps, and a warning that the file lacks", func(p *plan.Plan, _ *plan.Facts, r *journal.Run) {
			reviewed, _, _ := halfDone()
			*p = *reviewed
			p.Warnings = []plan.Notice{{ID: "image-pinned", Message: "it keeps its image"}}
		}, "it was edited, or it was made for another cluster state: warning image-pinned is missing in the file or differs: it keeps its image"},
		{"other values", func(p *plan.Plan, _ *plan.Facts, _ *journal.Run) { p.Steps[1].Values = "sha256:other" }, "step store-team-a-primary differs"},
		{"a step more", func(p *plan.Plan, _ *plan.Facts, _ *journal.Run) { p.Steps[1].ID = "store-team-a-other" }, "it has no step store-team-a-other"},
		{"fewer restarts", func(p *plan.Plan, _ *plan.Facts, _ *journal.Run) { p.Steps[1].Restarts = nil }, ""},
		{"an outage that was not reviewed", func(p *plan.Plan, _ *plan.Facts, _ *journal.Run) {
			p.Steps[1].Restarts = []plan.Restart{{Store: "team-a/primary", Strategy: plan.AllAtOnce}}
		}, "would now restart the pods of team-a/primary all at once"},
		{"a kill left the store pending", func(p *plan.Plan, f *plan.Facts, r *journal.Run) {
			p.Steps = append([]plan.Step{{ID: "mark-failed-primary", Action: plan.ActionMarkFailed, Target: "team-a/primary"}}, p.Steps...)
			f.Releases[0].Revision, f.Releases[0].Status, f.Releases[0].Updated = 3, "pending-upgrade", began
			r.Steps = append(r.Steps, journal.StepRecord{ID: "store-team-a-primary", Target: "team-a/primary", Calling: true, Before: 2, Changed: true,
				Called: began, Making: &journal.Operation{Chart: f.Releases[0].Chart, Version: f.Releases[0].Version, Values: plan.ValuesDigest(nil)}})
		}, ""},
		{"somebody's Helm left the store pending", func(p *plan.Plan, f *plan.Facts, _ *journal.Run) {
			p.Steps = append([]plan.Step{{ID: "mark-failed-primary", Action: plan.ActionMarkFailed, Target: "team-a/primary"}}, p.Steps...)
			f.Releases[0].Revision = 3
		}, "it has no step mark-failed-primary"},
		{"bindings that were not reviewed", func(p *plan.Plan, _ *plan.Facts, _ *journal.Run) {
			p.Steps = append(p.Steps, plan.Step{ID: "recreate-bindings-5.10.0", Action: plan.ActionRecreateBindings, Target: "aistor/aistor", Objects: []plan.ObjectKey{{Kind: "ClusterRoleBinding", Name: "cluster-admin"}}})
		}, "it has no step recreate-bindings-5.10.0"},
		{"a run that went on from it did it", func(_ *plan.Plan, _ *plan.Facts, r *journal.Run) {
			r.Resumes, r.Plan = r.Plan, "sha256:second"
		}, ""},
		{"a run of another plan did it", func(_ *plan.Plan, _ *plan.Facts, r *journal.Run) { r.Plan = "sha256:foreign" }, "made for another cluster state"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			reviewed, now, facts := halfDone()
			run := journal.Run{Plan: reviewed.Digest(), Steps: []journal.StepRecord{
				{ID: "operator-5.10.0", Action: plan.ActionOperator, Target: "aistor/aistor", Status: journal.StepDone, Changed: true, Own: []int{4}, Begun: map[int]time.Time{4: began}}}}
			facts.Operator.Updated = began
			tc.change(now, facts, &run)
			err := VerifyResumable(reviewed, now, facts, []journal.Run{run})
			if got := errText(err); tc.want == "" && err != nil || !strings.Contains(got, tc.want) {
				t.Errorf("error %q, want %q", got, tc.want)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// halfDone is a plan, the one that is made after its operator step, and what
// that one saw.
func halfDone() (reviewed, now *plan.Plan, facts *plan.Facts) {
	revision := func(key, value string) []plan.Fact {
		namespace, name, _ := strings.Cut(key, "/")
		return []plan.Fact{{Object: plan.ObjectKey{Kind: plan.KindRelease, Namespace: namespace, Name: name}, Field: plan.FieldRevision, Value: value}}
	}
	steps := func(operatorRevision string, unchanged bool) []plan.Step {
		return []plan.Step{
			{ID: "operator-5.10.0", Action: plan.ActionOperator, Target: "aistor/aistor", To: &plan.ChartRef{Name: "aistor-operator", Version: "5.10.0"},
				Unchanged: unchanged, Values: "sha256:o", Before: revision("aistor/aistor", operatorRevision)},
			{ID: "store-team-a-primary", Action: plan.ActionStore, Target: "team-a/primary", Store: "team-a/primary",
				To: &plan.ChartRef{Name: "aistor-objectstore", Version: "1.0.16"}, Values: "sha256:s", Before: revision("team-a/primary", "2"),
				Restarts: []plan.Restart{{Store: "team-a/primary", Strategy: plan.OneByOne}}},
		}
	}
	reviewed = &plan.Plan{Kind: plan.KindPlan, Bundle: plan.Bundle{Digest: "sha256:b"}, Steps: steps("3", false)}
	now = &plan.Plan{Kind: plan.KindPlan, Bundle: plan.Bundle{Digest: "sha256:b"}, Steps: steps("4", true)}
	facts = &plan.Facts{
		Operator: &plan.InstalledRelease{Namespace: "aistor", Name: "aistor", Revision: 4},
		Releases: []plan.InstalledRelease{{Namespace: "team-a", Name: "primary", Revision: 2}},
	}
	return reviewed, now, facts
}
