package preflight

import (
	"regexp"
	"strings"
	"testing"
)

func TestEveryCheckIsDescribed(t *testing.T) {
	t.Parallel()
	kebab := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	for _, list := range [][]Check{Before(), After()} {
		seen := map[string]bool{}
		for _, c := range list {
			if !kebab.MatchString(c.ID) || seen[c.ID] {
				t.Errorf("%q is no ID, or is there twice", c.ID)
			}
			seen[c.ID] = true
			if c.Title == "" || c.Looks == "" || c.Fails == "" || c.Phase == "" || strings.HasSuffix(c.Looks, ".") {
				t.Errorf("%s is not described: %+v", c.ID, c)
			}
		}
	}
}

func TestDescribeListsEachCheckOnce(t *testing.T) {
	t.Parallel()
	text := Describe(Before())
	for _, c := range Before() {
		if strings.Count(text, "### "+c.ID+"\n") != 1 || !strings.Contains(text, "- Fails when: "+c.Fails+".\n") {
			t.Errorf("%s is not listed once", c.ID)
		}
	}
	if !strings.Contains(text, "Before the upgrade, once the images are in the registry") || strings.Contains(text, "After the upgrade") {
		t.Error("the phases are not those of the checks")
	}
	if first, again := Describe(After()), Describe(After()); first != again {
		t.Error("two descriptions differ")
	}
}

func TestPhasesPartTheChecks(t *testing.T) {
	t.Parallel()
	a, b := OfPhase(Before(), PhaseA), OfPhase(Before(), PhaseB)
	if len(a)+len(b) != len(Before()) || len(b) != 3 || len(OfPhase(After(), PhaseAfter)) != len(After()) {
		t.Errorf("received %d checks of phase A and %d of B of %d", len(a), len(b), len(Before()))
	}
}
