package preflight_test

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

func TestOnlyWhatHealsByItselfIsWaitedFor(t *testing.T) {
	t.Parallel()
	fail := func(id string) preflight.Result { return preflight.Result{ID: id, Status: preflight.Fail} }
	for name, test := range map[string]struct {
		results []preflight.Result
		want    bool
	}{
		"nothing failed":       {[]preflight.Result{{ID: "stores-green", Status: preflight.Pass}}, false},
		"a store is not green": {[]preflight.Result{fail("stores-green"), {ID: "image-ids", Status: preflight.Warn}}, true},
		"another image runs":   {[]preflight.Result{fail("stores-green"), fail("images-as-asked")}, false},
	} {
		if got := (&preflight.Report{Results: test.results}).OnlyTransientFailures(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	known := map[string]bool{}
	for _, c := range preflight.PostUpgradeChecks() {
		known[c.ID] = true
	}
	for _, id := range []string{"crds-established", "rollout-complete", "workloads-healthy", "stores-green", "services-endpoints", "webhook-ready"} {
		if !known[id] || !(&preflight.Report{Results: []preflight.Result{fail(id)}}).OnlyTransientFailures() {
			t.Errorf("%s is no check, or not waited for", id)
		}
	}
}
