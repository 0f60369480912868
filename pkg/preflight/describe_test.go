package preflight

import (
	"regexp"
	"strings"
	"testing"
)

func TestEveryCheckIsDescribed(t *testing.T) {
	t.Parallel()
	kebab := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for _, list := range [][]Check{PreUpgradeChecks(), PostUpgradeChecks()} {
		seen := map[string]bool{}
		for _, c := range list {
			if !kebab.MatchString(c.ID) || seen[c.ID] {
				t.Errorf("%q is no ID, or is there twice", c.ID)
			}
			seen[c.ID] = true
			if c.Title == "" || c.Inspects == "" || c.FailsWhen == "" || c.Phase == "" || strings.HasSuffix(c.Inspects, ".") {
				t.Errorf("%s is not described: %+v", c.ID, c)
			}
		}
	}
}

func TestDescribeListsEachCheckOnce(t *testing.T) {
	t.Parallel()
	text := DescribeChecks(PreUpgradeChecks())
	for _, c := range PreUpgradeChecks() {
		if strings.Count(text, "### "+c.ID+"\n") != 1 || !strings.Contains(text, "- Fails when: "+c.FailsWhen+".\n") {
			t.Errorf("%s is not listed once", c.ID)
		}
	}
	if !strings.Contains(text, "Before the upgrade, once the images are in the registry") || strings.Contains(text, "After the upgrade") {
		t.Error("the phases are not those of the checks")
	}
	if first, again := DescribeChecks(PostUpgradeChecks()), DescribeChecks(PostUpgradeChecks()); first != again {
		t.Error("two descriptions differ")
	}
}

func TestPhasesPartTheChecks(t *testing.T) {
	t.Parallel()
	a, b := FilterByPhase(PreUpgradeChecks(), PhaseA), FilterByPhase(PreUpgradeChecks(), PhaseB)
	if len(a)+len(b) != len(PreUpgradeChecks()) || len(b) != 3 || len(FilterByPhase(PostUpgradeChecks(), PhaseAfter)) != len(PostUpgradeChecks()) {
		t.Errorf("received %d checks of phase A and %d of B of %d", len(a), len(b), len(PreUpgradeChecks()))
	}
}
