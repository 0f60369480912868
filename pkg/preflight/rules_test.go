package preflight

import (
	"slices"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Every rule decides alone: no ID of a check and none of a notice is decided in
// two places, and each rule with a title is a check before the upgrade.
func TestEveryIDIsDecidedInOnePlace(t *testing.T) {
	t.Parallel()
	notices, rules := map[string]string{}, map[string]bool{}
	for _, r := range plan.Rules() {
		if rules[r.ID] {
			t.Errorf("two rules are called %s", r.ID)
		}
		rules[r.ID] = true
		if len(r.Notices) == 0 {
			t.Errorf("rule %s names no notices", r.ID)
		}
		for _, id := range r.Notices {
			if other := notices[id]; other != "" {
				t.Errorf("notice %s comes from the rules %s and %s", id, other, r.ID)
			}
			notices[id] = r.ID
		}
		checks := checksByID(r.ID)
		switch {
		case r.Title == "" && len(checks) > 0:
			t.Errorf("rule %s has no title, and there is a check with its ID", r.ID)
		case r.Title != "" && (len(checks) != 1 || checks[0].Title != r.Title || checks[0].Inspects != r.Inspects || checks[0].FailsWhen != r.FailsWhen):
			t.Errorf("rule %s is not one check of a preflight", r.ID)
		}
	}
	for _, phase := range []Phase{PhaseA, PhaseB, PhaseAfter} {
		seen := map[string]bool{}
		for _, c := range FilterByPhase(slices.Concat(PreUpgradeChecks(), PostUpgradeChecks()), phase) {
			if seen[c.ID] {
				t.Errorf("phase %s has two checks called %s", phase, c.ID)
			}
			seen[c.ID] = true
		}
	}
}

// What a check of a rule fails for forbids the plan, and what forbids the plan
// fails the check; the notices bear an ID that the rule declares.
func TestPlanRefusesWhatTheChecksRefuse(t *testing.T) {
	t.Parallel()
	disabled := map[string]any{"objectStore": map[string]any{"disablePodDisruptionBudget": true}}
	for name, change := range map[string]func(*testing.T, *Subject){
		"nothing": func(*testing.T, *Subject) {},
		"a setting that needs a newer operator": func(_ *testing.T, s *Subject) {
			s.Inputs.Operator, s.Facts.Operator.Version, s.Inputs.Stores[0].Values = nil, "5.8.0", disabled
		},
		"the same setting of a store that stays, and the operator is downgraded": func(_ *testing.T, s *Subject) {
			s.Inputs.Stores, s.Inputs.Operator[0].To.Version = nil, "5.8.0"
			s.Facts.Releases[0].Version, s.Facts.Releases[0].Values = "1.0.16", disabled
		},
		"a chart downgrade": func(_ *testing.T, s *Subject) { s.Inputs.Operator[0].From.Version = "5.11.0" },
		"a server downgrade": func(t *testing.T, s *Subject) {
			s.Inputs.Stores[0].After = mustParseObjects(t, storeDoc(`, image: "`+private+`/aistor/minio:RELEASE.2025-01-01T00-00-00Z"`))
		},
		"Flux": func(_ *testing.T, s *Subject) {
			s.Facts.GitOpsOwners = []plan.GitOpsOwner{{Release: "tenant/primary", Tool: "Flux"}}
		},
		"a CRD of another release": func(_ *testing.T, s *Subject) { s.Facts.CRDs[0].Release = "old/minio" },
		"a license that is removed": func(_ *testing.T, s *Subject) {
			c := &s.Inputs.Operator[0]
			c.After = append(c.After[:4:4], c.After[5:]...)
		},
		"a store that is renamed": func(t *testing.T, s *Subject) { s.Inputs.Stores[0].After = nil },
		"a field that is dropped": func(t *testing.T, s *Subject) {
			s.Facts.Stores[0].Object = mustParseObject(t, storeDoc(`, features: {sftp: true}`))
		},
		"a public image": func(t *testing.T, s *Subject) {
			s.Inputs.Stores[0].After = mustParseObjects(t, storeDoc(`, initContainers: [{name: a, image: busybox}]`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readySubject(t)
			change(t, s)
			fillImages(t, s.Inputs.Operator)
			fillImages(t, s.Inputs.Stores)
			p, err := plan.Build(*s.Inputs)
			if err != nil {
				t.Fatal(err)
			}
			s.Plan = p
			refused := map[string]bool{}
			for _, n := range p.Refusals {
				refused[n.ID] = true
			}
			for _, r := range plan.Rules() {
				want := slices.ContainsFunc(r.Notices, func(id string) bool { return refused[id] })
				for _, result := range Run(t.Context(), checksByID(r.ID), s, Options{}).Results {
					if got := result.Status == Fail; got != want {
						t.Errorf("check %s: %s %s, and the plan is refused by it: %t", r.ID, result.Status, result.Message, want)
					}
				}
				for _, f := range r.Evaluate(*s.Inputs, p).Findings {
					if f.Notice != "" && !slices.Contains(r.Notices, f.Notice) {
						t.Errorf("rule %s gives notice %s, which it does not declare", r.ID, f.Notice)
					}
				}
			}
			if (len(p.Refusals) > 0) == (name == "nothing") {
				t.Errorf("refusals: %v", p.Refusals)
			}
		})
	}
}

func checksByID(id string) []Check {
	return slices.DeleteFunc(PreUpgradeChecks(), func(c Check) bool { return c.ID != id })
}
