package preflight

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestServerAccepts(t *testing.T) {
	t.Parallel()
	answers := func(o plan.DryRunOutcome, cause string, fields ...string) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) {
			s.DryRuns[0].Outcome, s.DryRuns[0].Cause, s.DryRuns[0].Fields = o, cause, fields
		}
	}
	runCases(t, PreUpgradeChecks(), "server-accepts", []checkCase{
		{name: "every object is accepted", want: Pass, line: "1 object is accepted by the server"},
		{name: "an immutable field", want: Fail, line: "deployment aistor/object-store-operator: upgrading aistor/aistor to aistor-operator-5.10.0 would be rejected: ",
			observed: "spec.selector", change: answers(plan.DryRunRefused, "spec.selector: Invalid value: field is immutable", "spec.selector", "spec.selector")},
		{name: "a policy", want: Fail, remedy: "kubectl get validatingadmissionpolicies", change: answers(plan.DryRunRefused, "ValidatingAdmissionPolicy 'x' denied request: no")},
		{name: "a webhook without dry runs", want: Error, line: "dry run failed", remedy: "validatingwebhookconfigurations",
			change: answers(plan.DryRunUnknown, "admission webhook \"x\" does not support dry run")},
		{name: "missing rights", want: Error, remedy: "kubectl auth can-i patch deployment -n aistor", change: answers(plan.DryRunUnknown, `User "x" cannot patch resource "deployments"`)},
		{name: "what comes with the upgrade", want: Pass, details: []string{"dry run skipped: its CRD is installed by this upgrade"}, change: func(_ *testing.T, s *Subject) {
			s.DryRuns = append(s.DryRuns, plan.DryRun{ObjectKey: plan.ObjectKey{Kind: "Warp", Name: "w"}, Outcome: plan.DryRunSkipped, Cause: "its CRD is installed by this upgrade"})
		}},
		{name: "nothing but what comes with the upgrade", want: Skip, line: "no object can be validated yet", change: answers(plan.DryRunSkipped, "its CRD is installed by this upgrade")},
		{name: "nothing is sent", want: Skip, change: func(_ *testing.T, s *Subject) { s.DryRuns = s.DryRuns[1:] }},
		{name: "nothing was tried", want: Error, change: func(_ *testing.T, s *Subject) { s.DryRuns = nil }},
		{name: "going on is the cure", want: Warn, line: "left by the interrupted upgrade", change: func(t *testing.T, s *Subject) {
			answers(plan.DryRunRefused, "no")(t, s)
			s.Resuming = true
		}},
	})
}

func TestPodsAdmitted(t *testing.T) {
	t.Parallel()
	answers := func(o plan.DryRunOutcome, cause string) func(*testing.T, *Subject) {
		return func(_ *testing.T, s *Subject) { s.DryRuns[1].Outcome, s.DryRuns[1].Cause = o, cause }
	}
	runCases(t, PreUpgradeChecks(), "pods-admitted", []checkCase{
		{name: "every pod is admitted", want: Pass, line: "1 pod is admitted with the target's images"},
		{name: "pod security", want: Fail, line: "pod tenant/primary-pool-0-0", remedy: "kubectl get namespace tenant --show-labels",
			change: answers(plan.DryRunRefused, `pods "p" is forbidden: violates PodSecurity "restricted:latest"`)},
		{name: "a quota", want: Fail, remedy: "kubectl describe resourcequota -n tenant", change: answers(plan.DryRunRefused, "exceeded quota: q")},
		{name: "missing rights", want: Error, remedy: "kubectl auth can-i create pods -n tenant", change: answers(plan.DryRunUnknown, `User "x" cannot create resource "pods"`)},
		{name: "no pod restarts", want: Skip, change: func(_ *testing.T, s *Subject) { s.DryRuns = s.DryRuns[:1] }},
	})
}
