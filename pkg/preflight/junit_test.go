package preflight

import (
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJUnit(t *testing.T) {
	t.Parallel()
	report := func(onWarn bool) *Report {
		r := &Report{Kind: KindPreflight, FailOnWarn: onWarn, Results: []Result{
			{ID: "a", Status: Pass, Message: "fine"},
			{ID: "b", Status: Warn, Message: "hm", Remedy: "look"},
			{ID: "c", Status: Fail, Message: "broken <&>", Details: []string{"broken <&>", "and\x1b more"}, Observed: "o", Required: "r"},
			{ID: "d", Status: Error, Message: "not looked at"},
			{ID: "e", Status: Skip, Message: "no plan"},
			{ID: "f", Status: Fail, Message: "known", Waived: "ticket 7"},
		}}
		r.updateSummary()
		return r
	}
	for onWarn, want := range map[bool]map[string]string{
		false: {"a": "passed", "b": "passed", "c": "failure", "d": "error", "e": "skipped", "f": "skipped"},
		true:  {"a": "passed", "b": "failure", "c": "failure", "d": "error", "e": "skipped", "f": "skipped"},
	} {
		b, err := report(onWarn).JUnit()
		if err != nil {
			t.Fatal(err)
		}
		var read junitSuites
		if err := xml.Unmarshal(b, &read); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		got, failures := map[string]string{}, 0
		for _, c := range read.Suites[0].Cases {
			got[c.Name] = "passed"
			switch {
			case c.Failure != nil:
				got[c.Name] = "failure"
				failures++
			case c.Error != nil:
				got[c.Name] = "error"
			case c.Skipped != nil:
				got[c.Name] = "skipped"
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("warnings count %t (-want +got):\n%s", onWarn, diff)
		}
		if read.Failures != failures || read.Suites[0].Failures != failures || read.Tests != 6 || read.Errors != 1 {
			t.Errorf("counts: %+v", read)
		}
	}
}
