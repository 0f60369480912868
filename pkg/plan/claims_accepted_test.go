package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAcceptedClaimsAreWhatTheyAreNow(t *testing.T) {
	t.Parallel()
	was := func(volume string) ClaimID { return ClaimID{UID: "old-" + volume, Volume: volume} }
	recorded := ClaimRecords{"a/s": {"data-0": was("pv-0"), "data-1": was("pv-1")}, "b/t": {"data-0": was("pv-2")}}
	facts := func(change func(*Facts)) *Facts {
		f := &Facts{Claims: []Claim{
			{Namespace: "a", Name: "data-0", Store: "a/s", UID: "new", Volume: "pv-9"},
			{Namespace: "a", Name: "data-1", Store: "a/s", UID: "new", Volume: "pv-8"},
		}}
		if change != nil {
			change(f)
		}
		return f
	}
	for _, tc := range []struct {
		name     string
		facts    *Facts
		accepted []string
		want     []string // replaced claims that are left, as namespace/name
	}{
		{"none", facts(nil), nil, []string{"a/data-0", "a/data-1", "b/data-0"}},
		{"one", facts(nil), []string{"a/data-0"}, []string{"a/data-1", "b/data-0"}},
		{"all, and a store that is gone for good", facts(nil), []string{"a/data-0", "a/data-1", "b/data-0"}, nil},
		{"the same name in another namespace", facts(nil), []string{"b/data-0"}, []string{"a/data-0", "a/data-1"}},
		{"one that is marked for deletion", facts(func(f *Facts) { f.Claims[0].Terminating = time.Unix(1, 0) }),
			[]string{"a/data-0"}, []string{"a/data-0", "a/data-1", "b/data-0"}},
		{"a namespace that was not looked at", facts(func(f *Facts) { f.Gaps = []Gap{{Subject: "persistentvolumeclaims in b"}} }),
			[]string{"b/data-0"}, []string{"a/data-0", "a/data-1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, d := range tc.facts.ReplacedClaims(tc.facts.AcceptClaims(recorded, tc.accepted)) {
				got = append(got, d.Object.Namespace+"/"+d.Object.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("replaced (-want +got):\n%s", diff)
			}
			if recorded["a/s"]["data-0"] != was("pv-0") || len(recorded["b/t"]) != 1 {
				t.Fatalf("the records were changed: %v", recorded)
			}
		})
	}
}

func TestPlanSaysWhichVolumeChangesWereAccepted(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name           string
		change         func(*Inputs)
		refused, warns bool
	}{
		{"not asked for", func(in *Inputs) { in.Options.AcceptVolumes = nil }, false, false},
		{"accepted", func(*Inputs) {}, false, true},
		{"gone", func(in *Inputs) { in.Facts.Claims = nil }, false, true},
		{"marked for deletion", func(in *Inputs) { in.Facts.Claims[0].Terminating = time.Unix(1, 0) }, true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			in := upgradeInputs()
			in.Facts.Claims = []Claim{{Namespace: "team-a", Name: "data-0", Store: "team-a/primary", UID: "u", Volume: "pv"}}
			in.Options.AcceptVolumes = []string{"team-a/data-0"}
			tc.change(&in)
			p := mustBuild(t, in)
			has := func(list []Notice) bool {
				for _, n := range list {
					if n.ID == "accept-volume-change" {
						return true
					}
				}
				return false
			}
			if has(p.Refusals) != tc.refused || has(p.Warnings) != tc.warns {
				t.Errorf("refusals %v, warnings %v", p.Refusals, p.Warnings)
			}
		})
	}
}

func TestAClaimThatThePlansFileLacksIsNamed(t *testing.T) {
	t.Parallel()
	id := map[string]ClaimID{"data-0": {UID: "u"}, "data-1": {UID: "v"}}
	now := ClaimRecords{"a/s": id}
	for _, tc := range []struct {
		name string
		file ClaimRecords
		want string
	}{
		{"the same", ClaimRecords{"a/s": id}, ""},
		{"more than there are", ClaimRecords{"a/s": id, "b/t": id}, ""},
		{"another volume, which volumes-kept says", ClaimRecords{"a/s": {"data-0": {}, "data-1": {}}}, ""},
		{"one digest for all", now.Summary(0), ""},
		{"one less", ClaimRecords{"a/s": {"data-0": {UID: "u"}}}, "volume claim a/data-1 of object store a/s"},
		{"none", nil, "volume claim a/data-0 of object store a/s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := now.Missing(tc.file); got != tc.want {
				t.Errorf("received %q, expected %q", got, tc.want)
			}
		})
	}
}

func TestVerdictThatContradictsItsFindingsWasEdited(t *testing.T) {
	t.Parallel()
	failed := PreflightFinding{Check: "disk", Status: "fail"}
	waived := failed
	waived.Waived = "known"
	for _, tc := range []struct {
		name string
		v    *PreflightSummary
		want bool
	}{
		{"none", nil, false},
		{"ready", &PreflightSummary{OK: true}, false},
		{"not ready", &PreflightSummary{Findings: []PreflightFinding{failed}}, false},
		{"ready with a waived failure", &PreflightSummary{OK: true, Findings: []PreflightFinding{waived}}, false},
		{"ready with a warning", &PreflightSummary{OK: true, Findings: []PreflightFinding{{Status: "warn"}}}, false},
		{"ready with a failure", &PreflightSummary{OK: true, Findings: []PreflightFinding{failed}}, true},
		{"ready with what errors", &PreflightSummary{OK: true, Findings: []PreflightFinding{{Status: "error"}}}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := tc.v.Contradiction(); (err != nil) != tc.want {
				t.Errorf("error: %v", err)
			}
		})
	}
}

func TestFindingsThatNobodyReviewedAreNamed(t *testing.T) {
	t.Parallel()
	find := func(check, status, waived string) PreflightFinding {
		return PreflightFinding{Check: check, Status: status, Waived: waived}
	}
	then := &PreflightSummary{Findings: []PreflightFinding{find("a", "warn", ""), find("b", "fail", "known"), find("c", "fail", "")}}
	now := &PreflightSummary{Findings: []PreflightFinding{
		find("a", "warn", ""), find("b", "fail", "known"), find("c", "fail", "it is fine"), find("d", "warn", ""),
	}}
	for _, tc := range []struct {
		name      string
		now, then *PreflightSummary
		want      []PreflightFinding
	}{
		{"new ones and a new waiver", now, then, now.Findings[2:]},
		{"a file without a verdict", now, nil, now.Findings},
		{"the same", then, then, []PreflightFinding{}},
		{"no checks", nil, then, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.now.Unseen(tc.then)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
