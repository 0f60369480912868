package preflight

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// hostile is a name that whoever owns one namespace may give: nothing checks
// what an object store calls its pull secret, or what an event says it is
// about. Pasted as it is it would run a command of theirs.
const hostile = "x; touch pwned #'"

// Remedies are there to be pasted, so whatever is named in one stays a word:
// each is run by a shell that has nothing else to run.
func TestAPastedRemedyRunsNothingElse(t *testing.T) {
	t.Parallel()
	for name, spoil := range hostileNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readySubject(t)
			spoil(s)
			named := false
			for _, list := range [][]Check{PreUpgradeChecks(), PostUpgradeChecks()} {
				for _, r := range Run(t.Context(), list, s, Options{}).Results {
					named = named || strings.Contains(r.Remedy, "pwned")
					if ran := runsOnlyKnown(t, r.Remedy); ran {
						t.Errorf("%s: its remedy runs a command that hides in a name:\n%s", r.ID, r.Remedy)
					}
				}
			}
			if !named {
				t.Error("no remedy holds the name, so nothing was tried")
			}
		})
	}
}

func hostileNames() map[string]func(*Subject) {
	bundleless := func(s *Subject) { s.Inputs, s.Plan, s.Site.Registry = nil, nil, private }
	return map[string]func(*Subject){
		"a pull secret of an object store": func(s *Subject) {
			bundleless(s)
			s.Facts.Stores[0].ImagePullSecret = hostile
			s.Facts.PullSecrets = append(s.Facts.PullSecrets, plan.PullSecret{Namespace: "tenant", Name: hostile})
		},
		"a pull secret that was not looked at": func(s *Subject) {
			bundleless(s)
			s.Facts.Stores[0].ImagePullSecret = hostile
		},
		"a pull secret of another type": func(s *Subject) {
			bundleless(s)
			s.Facts.Stores[0].ImagePullSecret = hostile
			s.Facts.PullSecrets = append(s.Facts.PullSecrets, plan.PullSecret{Namespace: "tenant", Name: hostile, Present: true, Type: "Opaque"})
		},
		"what an event is about": func(s *Subject) {
			s.Facts.WarningEvents = []plan.Event{{Object: plan.ObjectKey{Kind: "Pod", Namespace: "tenant", Name: "primary-pool-0-" + hostile}, Reason: "Bad", Last: testNow()}}
		},
		"the kind of what an event is about": func(s *Subject) {
			s.Facts.WarningEvents = []plan.Event{{Object: plan.ObjectKey{Kind: hostile, Namespace: "tenant", Name: "primary-pool-0-1"}, Reason: "Bad", Last: testNow()}}
		},
		"an application of Argo CD": func(s *Subject) {
			s.Facts.GitOpsOwners = []plan.GitOpsOwner{{Release: "tenant/primary", Tool: "Argo CD", Reconciler: plan.ObjectKey{Kind: "Application", Namespace: hostile, Name: hostile}}}
		},
		"the release that an object says owns it": func(s *Subject) { s.Facts.CRDs[0].Release = "other/" + hostile },
		"an object that was tried": func(s *Subject) {
			s.DryRuns[0].Name, s.DryRuns[0].Outcome = hostile, plan.DryRunRefused
		},
		"a pod that is stuck": func(s *Subject) {
			s.Facts.Pods[1].Name, s.Facts.Pods[1].Terminating = hostile, testNow().Add(-time.Hour)
		},
	}
}

// runsOnlyKnown runs a remedy in an empty directory with programs that do nothing, and
// reports whether anything else was run.
func runsOnlyKnown(t *testing.T, remedy string) bool {
	t.Helper()
	if remedy == "" {
		return false
	}
	dir := t.TempDir()
	for _, program := range []string{"kubectl", "helm", "flux", "mc"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/bin/sh", "-c", remedy)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + dir + ":/usr/bin:/bin"}
	_ = cmd.Run() // remedies that are sentences are no commands
	_, err := os.Stat(filepath.Join(dir, "pwned"))
	return err == nil
}
