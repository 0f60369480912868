package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// fixedCheck is a check that gives one status.
func fixedCheck(id string, status Status) Check {
	return Check{ID: id, Title: id, Phase: PhaseA, Run: func(context.Context, *Subject) Result {
		return Result{Status: status, Message: id}
	}}
}

func emptySubject() *Subject { return &Subject{Facts: &plan.Facts{}} }

func resultIDs(list []Result) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.ID)
	}
	return out
}

// The first check waits for the last to begin, so that results arrive in
// another order than they are reported in.
func TestRunReportsInOrderWhateverFinishesFirst(t *testing.T) {
	t.Parallel()
	const n = 20
	var checks []Check
	var want []string
	last := make(chan struct{})
	for i := range n {
		id := fmt.Sprintf("c%02d", i)
		want = append(want, id)
		checks = append(checks, Check{ID: id, Run: func(context.Context, *Subject) Result {
			switch i {
			case 0:
				<-last
			case n - 1:
				close(last)
			}
			return passResult("done")
		}})
	}
	var heard []Result
	r := Run(t.Context(), checks, emptySubject(), Options{Concurrency: n, OnResult: func(one Result) { heard = append(heard, one) }})
	if diff := cmp.Diff(want, resultIDs(r.Results)); diff != "" {
		t.Errorf("results (-expected +received):\n%s", diff)
	}
	if diff := cmp.Diff(want, resultIDs(heard)); diff != "" {
		t.Errorf("OnResult (-expected +received):\n%s", diff)
	}
}

func TestRunKeepsToItsConcurrency(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	var checks []Check
	for i := range 30 {
		checks = append(checks, Check{ID: fmt.Sprint(i), Run: func(context.Context, *Subject) Result {
			n := now.Add(1)
			defer now.Add(-1)
			for {
				m := most.Load()
				if n <= m || most.CompareAndSwap(m, n) {
					return passResult("done")
				}
			}
		}})
	}
	Run(t.Context(), checks, emptySubject(), Options{Concurrency: 3})
	if most.Load() > 3 {
		t.Errorf("received %d checks at a time, expected at most 3", most.Load())
	}
}

// All real checks share one subject: the race detector sees whoever changes it.
func TestRealChecksShareASubjectAndLeaveItAsItIs(t *testing.T) {
	t.Parallel()
	s, untouched := readySubject(t), readySubject(t)
	for range 3 {
		Run(t.Context(), slices.Concat(PreUpgradeChecks(), PostUpgradeChecks()), s, Options{Concurrency: 16})
	}
	if diff := cmp.Diff(untouched.Facts, s.Facts); diff != "" {
		t.Errorf("facts changed:\n%s", diff)
	}
	if diff := cmp.Diff(untouched.Inputs, s.Inputs); diff != "" {
		t.Errorf("inputs changed:\n%s", diff)
	}
	if diff := cmp.Diff(untouched.Plan, s.Plan); diff != "" {
		t.Errorf("plan changed:\n%s", diff)
	}
}

func TestRunIsDeterministic(t *testing.T) {
	t.Parallel()
	damaged := func() *Report {
		s := readySubject(t)
		addConflictingBinding(t, s)
		s.Facts.Pods[2].Containers[1].ImageID = private + "/aistor/minio@" + digestB
		clear(fakeRegistryOf(s).images)
		return Run(t.Context(), slices.Concat(PreUpgradeChecks(), PostUpgradeChecks()), s, Options{})
	}
	first := damaged()
	for range 5 {
		if diff := cmp.Diff(first, damaged()); diff != "" {
			t.Fatalf("two runs differ:\n%s", diff)
		}
	}
}

func TestVerdictAndSummary(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		statuses []Status
		opts     Options
		ok       bool
		verdict  string
	}{
		{"all pass", []Status{Pass, Pass}, Options{}, true, "ready: 2 passed"},
		{"a warning", []Status{Pass, Warn}, Options{}, true, "ready: 1 with a warning, 1 passed"},
		{"a warning that counts", []Status{Pass, Warn}, Options{FailOnWarn: true}, false, "not ready: 1 with a warning, 1 passed"},
		{"a failure", []Status{Pass, Fail, Skip}, Options{}, false, "not ready: 1 failed, 1 passed"},
		{"an error is no pass", []Status{Pass, Error}, Options{}, false, "not ready: 1 errors, 1 passed"},
		{"a waived failure", []Status{Pass, Fail}, Options{Waivers: []plan.Waiver{{Check: "c1", Reason: "known"}}}, true, "ready: 1 waived, 1 passed"},
		{"a pass is not waived", []Status{Pass, Pass}, Options{Waivers: []plan.Waiver{{Check: "c1", Reason: "known"}}}, true, "ready: 2 passed"},
		{"left out", []Status{Pass, Fail}, Options{Skip: []string{"c1"}}, true, "ready: 1 passed"},
		{"only one", []Status{Pass, Fail}, Options{Only: []string{"c0"}}, true, "ready: 1 passed"},
		{"a misspelt waiver", []Status{Pass}, Options{Waivers: []plan.Waiver{{Check: "c9"}}}, false, "not ready: 1 errors, 1 passed"},
		{"nothing at all", nil, Options{}, true, "nothing was checked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var checks []Check
			for i, s := range c.statuses {
				checks = append(checks, fixedCheck(fmt.Sprintf("c%d", i), s))
			}
			r := Run(t.Context(), checks, emptySubject(), c.opts)
			if r.OK() != c.ok || r.Verdict != c.verdict {
				t.Errorf("received %t %q, expected %t %q", r.OK(), r.Verdict, c.ok, c.verdict)
			}
			s := r.Summary
			if n := s.Pass + s.Warn + s.Fail + s.Skip + s.Error + s.Waived; n != len(r.Results) {
				t.Errorf("the summary counts %d of %d results", n, len(r.Results))
			}
		})
	}
}

func TestWaiverKeepsWhatWasFound(t *testing.T) {
	t.Parallel()
	r := Run(t.Context(), []Check{fixedCheck("c", Fail)}, emptySubject(), Options{Waivers: []plan.Waiver{{Check: "c", Reason: "agreed on Monday"}}})
	if one := r.Results[0]; one.Status != Fail || one.Waived != "agreed on Monday" {
		t.Errorf("received %s waived %q, expected the failure with its reason", one.Status, one.Waived)
	}
}

func TestAnIDOfTheOtherPhaseIsKnown(t *testing.T) {
	t.Parallel()
	if got := UnknownIDs(FilterByPhase(PreUpgradeChecks(), PhaseA), Options{Only: []string{"images-present"}, Skip: []string{"image-ids", "typo", "typo"}}); !slices.Equal(got, []string{"typo"}) {
		t.Errorf("received %v, expected [typo]", got)
	}
}

func TestWhatCanNotBeLookedAtIsAnError(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	breaks := Check{ID: "c", Run: func(context.Context, *Subject) Result { panic("oh no") }}
	for _, c := range []struct {
		name    string
		ctx     context.Context
		check   Check
		subject *Subject
		line    string
	}{
		{"no subject", t.Context(), fixedCheck("c", Pass), nil, "no cluster facts"},
		{"no facts", t.Context(), fixedCheck("c", Pass), &Subject{}, "no cluster facts"},
		{"interrupted", cancelled, fixedCheck("c", Pass), emptySubject(), "interrupted"},
		{"a check that breaks", t.Context(), breaks, emptySubject(), "oh no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			one := Run(c.ctx, []Check{c.check}, c.subject, Options{}).Results[0]
			if one.Status != Error || !strings.Contains(one.Message, c.line) {
				t.Errorf("received %s %q, expected an error with %q", one.Status, one.Message, c.line)
			}
		})
	}
}

func TestAFailureStandsBesideAGap(t *testing.T) {
	t.Parallel()
	r := withGaps(Result{Status: Fail, Message: "bad"}, []plan.Gap{{Subject: "pods in b", Cause: "forbidden"}})
	if r.Status != Fail || r.Message != "bad" || !slices.Contains(r.Details, "pods in b could not be read: forbidden") {
		t.Errorf("received %+v", r)
	}
}

func TestGapRemedyAsksForTheVerbThatWasRefused(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{
		"nodes":                        "kubectl auth can-i list nodes",
		"pods in team-a":               "kubectl auth can-i list pods -n team-a",
		"operator pods in aistor":      "kubectl auth can-i list pods -n aistor",
		"pods in all namespaces":       "kubectl auth can-i list pods -A",
		"secrets aistor/minio-license": "kubectl auth can-i get secrets -n aistor",
		"helm releases in aistor":      "kubectl auth can-i list secrets -n aistor",
	} {
		if got := (plan.Gap{Subject: what, Denied: true}).Remedy(); got != want {
			t.Errorf("%s: received %q, expected %q", what, got, want)
		}
	}
	if got := (plan.Gap{Subject: "nodes", Cause: "time-out"}).Remedy(); got != "" {
		t.Errorf("a time-out is no matter of rights: received %q", got)
	}
}

func TestReportKindFollowsTheChecks(t *testing.T) {
	t.Parallel()
	for kind, checks := range map[string][]Check{KindPreflight: PreUpgradeChecks(), KindValidate: PostUpgradeChecks()} {
		r := Run(t.Context(), checks, emptySubject(), Options{})
		if r.Kind != kind || r.APIVersion != plan.APIVersion {
			t.Errorf("received %s %s, expected %s", r.APIVersion, r.Kind, kind)
		}
	}
}

func TestFindingsPutFailuresFirst(t *testing.T) {
	t.Parallel()
	var f findings
	f.addWarning(nodeKey("w"), "w")
	f.addError(nodeKey("e"), "e")
	f.addFailure(nodeKey("f"), "f").setDetails("o", "r", "")
	f.addNote("n")
	r := f.buildResult("")
	if diff := cmp.Diff([]string{"f", "e", "w", "n"}, r.Details); diff != "" || r.Message != "f (and 2 more)" || r.Observed != "o" {
		t.Errorf("received %+v\n%s", r, diff)
	}
}

// Who may see one namespace only is not told of gaps in what was not asked.
func TestAGapLeavesACheckSkippedThatDoesNotApply(t *testing.T) {
	t.Parallel()
	s := readySubject(t)
	s.Inputs, s.Plan = nil, nil
	s.Facts.Gaps = []plan.Gap{{Subject: "clusterrolebindings", Cause: "forbidden", Denied: true}}
	for _, one := range Run(t.Context(), PreUpgradeChecks(), s, Options{Only: []string{"roleref-immutable", "ownership"}}).Results {
		if one.Status != Skip {
			t.Errorf("%s: received %s, expected skip: %s", one.ID, one.Status, one.Message)
		}
	}
}
