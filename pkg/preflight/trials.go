package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func trialChecks() []Check {
	return []Check{
		resumable(Check{ID: "server-accepts", Title: "Accepted by the server", Phase: PhaseA, WithInputs: true, WithPlan: true, Run: checkServerAccepts,
			Looks: "the very patch or creation that Helm would send for each rendered object, as a dry run on the API server",
			Fails: "the server, a policy or a webhook refuses one: an immutable field, a kind it lacks, an object that Helm can't import; an error where a dry run could not be made"}),
		resumable(Check{ID: "pods-admitted", Title: "Pods admitted", Phase: PhaseA, WithInputs: true, WithPlan: true, Run: checkPodsAdmitted,
			Looks: "a dry run of a pod for each Deployment of the operator, and of a copy of a live pod for each pool that restarts, with the target's images",
			Fails: "Pod Security, a quota, a policy or a webhook refuses it; an error where a dry run could not be made"}),
	}
}

func checkServerAccepts(_ context.Context, s *Subject) Result {
	return judgeTrials(s, false, "object", "accepted by the server", "every release has its chart and values already")
}

func checkPodsAdmitted(_ context.Context, s *Subject) Result {
	return judgeTrials(s, true, "pod", "admitted with the target's images", "no pod restarts")
}

func judgeTrials(s *Subject, pods bool, thing, passed, nothing string) Result {
	if s.Trials == nil {
		return Result{Status: Error, Message: "nothing was tried on the server", Observed: "no dry runs", Required: "a dry run of each"}
	}
	var f findings
	tried, accepted := 0, 0
	for _, t := range s.Trials {
		if t.Pod != pods {
			continue
		}
		tried++
		name := label(t.ObjectKey)
		if t.Pod && t.Kind == "Deployment" {
			name = "a pod of " + name
		}
		cause := strings.Join(strings.Fields(t.Cause), " ")
		switch t.Outcome {
		case plan.TrialAccepted:
			accepted++
		case plan.TrialRefused:
			if acceptedLater(s, t) {
				f.note("%s: refused by the installed definition and accepted by the coming one: %s", name, cause)
				continue
			}
			one := f.fail(t.ObjectKey, "%s: upgrading %s would be refused: %s", name, t.Change, cause)
			one.wanted(orElse(strings.Join(slices.Compact(t.Fields), ", "), "refused"), "accepted", trialRemedy(t))
		case plan.TrialUnknown:
			f.error(t.ObjectKey, "%s: could not be tried: %s", name, cause).wanted("not tried", "accepted", trialRemedy(t))
		case plan.TrialSkipped:
			f.note("%s: not tried: %s", name, cause)
		}
	}
	switch {
	case tried == 0:
		return skip("%s", nothing)
	case accepted == 0 && len(f.list) == 0:
		r := unseen("the server can't judge any %s yet", thing)
		r.Details = f.notes
		return r
	}
	return f.result("%s %s", words.Are(accepted, thing), passed)
}

// trialRemedy is the command that shows what stands in the way.
func trialRemedy(t plan.Trial) string {
	switch {
	case strings.Contains(t.Cause, "PodSecurity"):
		return shell.Command("kubectl get namespace %s --show-labels", t.Namespace)
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
		return strings.TrimSpace("kubectl auth can-i " + verb + " " + shell.Word(kind) + namespaceFlag(t.Namespace))
	}
	return shell.Command("kubectl get %s %s", strings.ToLower(t.Kind), t.Name) + namespaceFlag(t.Namespace) + " -o yaml"
}

func namespaceFlag(ns string) string {
	if ns == "" {
		return ""
	}
	return " -n " + shell.Word(ns)
}
