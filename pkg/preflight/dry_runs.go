package preflight

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func dryRunChecks() []Check {
	return []Check{
		warnIfInterrupted(Check{ID: "server-accepts", Title: "Server dry run", Phase: PhaseA, WithInputs: true, WithPlan: true, Run: checkServerAccepts,
			Inspects:  "the patch or create request that Helm would send for each rendered object, as a server-side dry run",
			FailsWhen: "a request is rejected by the server, a policy or a webhook: an immutable field, an unknown kind, an object that Helm cannot adopt; an error if a dry run was not possible"}),
		warnIfInterrupted(Check{ID: "pods-admitted", Title: "Pods admitted", Phase: PhaseA, WithInputs: true, WithPlan: true, Run: checkPodsAdmitted,
			Inspects:  "a dry run of a pod for each Deployment of the operator, and of a copy of a live pod for each pool that restarts, with the target's images",
			FailsWhen: "Pod Security, a quota, a policy or a webhook refuses it; an error if a dry run was not possible"}),
	}
}

func checkServerAccepts(_ context.Context, s *Subject) Result {
	return evaluateDryRuns(s, false, "object", "accepted by the server", "every release has its chart and values already")
}

func checkPodsAdmitted(_ context.Context, s *Subject) Result {
	return evaluateDryRuns(s, true, "pod", "admitted with the target's images", "no pod restarts")
}

func evaluateDryRuns(s *Subject, pods bool, thing, passed, nothing string) Result {
	if s.DryRuns == nil {
		return Result{Status: Error, Message: "no dry runs were made", Observed: "no dry runs", Required: "a dry run of each"}
	}
	var f findings
	tried, accepted := 0, 0
	for _, t := range s.DryRuns {
		if t.Pod != pods {
			continue
		}
		tried++
		name := t.ObjectKey.Label()
		if t.Pod && t.Kind == "Deployment" {
			name = "a pod of " + name
		}
		cause := strings.Join(strings.Fields(t.Cause), " ")
		switch t.Outcome {
		case plan.DryRunAccepted:
			accepted++
		case plan.DryRunRefused:
			if acceptedByTarget(s, t) {
				f.addNote("%s: rejected by the installed CRD and accepted by the target CRD: %s", name, cause)
				continue
			}
			one := f.addFailure(t.ObjectKey, "%s: upgrading %s would be rejected: %s", name, t.Change, cause)
			one.setDetails(cmp.Or(strings.TrimSpace(strings.Join(slices.Compact(t.Fields), ", ")), "refused"), "accepted", dryRunRemedy(t))
		case plan.DryRunUnknown:
			f.addError(t.ObjectKey, "%s: dry run failed: %s", name, cause).setDetails("not tried", "accepted", dryRunRemedy(t))
		case plan.DryRunSkipped:
			f.addNote("%s: dry run skipped: %s", name, cause)
		}
	}
	switch {
	case tried == 0:
		return skipResult("%s", nothing)
	case accepted == 0 && len(f.list) == 0:
		r := unobservedResult("no %s can be validated yet", thing)
		r.Details = f.notes
		return r
	}
	return f.buildResult("%s %s", plural.CountIs(accepted, thing), passed)
}

// dryRunRemedy is the command that shows what is in the way.
func dryRunRemedy(t plan.DryRun) string {
	switch {
	case strings.Contains(t.Cause, "PodSecurity"):
		return shellquote.Command("kubectl get namespace %s --show-labels", t.Namespace)
	case strings.Contains(t.Cause, "quota"):
		return "kubectl describe resourcequota" + namespaceFlag(t.Namespace)
	case strings.Contains(t.Cause, "ValidatingAdmissionPolicy"):
		return "kubectl get validatingadmissionpolicies"
	case strings.Contains(t.Cause, "webhook"):
		return "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"
	case strings.Contains(t.Cause, "cannot "):
		verb := "patch"
		if t.Pod || strings.Contains(t.Cause, "cannot create") {
			verb = "create"
		}
		kind := strings.ToLower(t.Kind)
		if t.Pod {
			kind = "pods"
		}
		return strings.TrimSpace("kubectl auth can-i " + verb + " " + shellquote.Word(kind) + namespaceFlag(t.Namespace))
	}
	return shellquote.Command("kubectl get %s %s", strings.ToLower(t.Kind), t.Name) + namespaceFlag(t.Namespace) + " -o yaml"
}

func namespaceFlag(ns string) string {
	if ns == "" {
		return ""
	}
	return " -n " + shellquote.Word(ns)
}
