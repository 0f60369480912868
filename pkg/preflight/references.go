package preflight

import (
	"context"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// publicReferencesReason is why references are not checked where the site keeps them.
const publicReferencesReason = "references stay public: the nodes' runtime redirects them"

// checkRenderedRefs checks every image that the target renders: each must be
// a reference at all, which no chart checks, and live in the private registry.
func checkRunningRefs(_ context.Context, s *Subject) Result {
	if s.registrySettings().KeepsReferences() {
		return skipResult(publicReferencesReason)
	}
	mirror := s.registrySettings().Mirror
	if mirror.Registry == "" {
		return unobservedResult("private registry unknown; set --registry or --plan")
	}
	if len(s.Facts.Pods) == 0 {
		return noPods(s)
	}
	var f findings
	parse := newRefParser()
	for _, p := range s.Facts.Pods {
		for _, c := range p.Containers {
			ref, err := parse(c.Image)
			if err == nil && mirror.Owns(ref) {
				continue
			}
			want := mirror.Registry + "/…"
			if err == nil {
				want = mirror.Map(ref).String()
			}
			f.addFailure(podKey(p), "%s: %s %s: %s is not in the private registry", podKey(p).Label(), containerKind(c), c.Name, c.Image).
				setDetails(c.Image, want, "helm aistor values")
		}
	}
	return f.buildResult("all containers of %s come from %s", plural.Count(len(s.Facts.Pods), "pod"), mirror.Registry)
}

func containerKind(c plan.Container) string {
	switch {
	case c.Init && c.Restartable:
		return "sidecar"
	case c.Init:
		return "init container"
	default:
		return "container"
	}
}

// noPods is the outcome where no pod was found. Stores that ask for servers
// have some, so that no pods is not a pass.
func noPods(s *Subject) Result {
	if hasListGap(s.Facts, "pods") {
		return notListed(s.Facts, "pods")
	}
	servers := 0
	for _, st := range s.Facts.Stores {
		servers += st.ServerCount()
	}
	if servers == 0 && s.Facts.Operator == nil {
		return skipResult("no AIStor pods")
	}
	return Result{Status: Fail, Message: "no AIStor pods were found", Observed: "0 pods",
		Required: "pods of the operator and of every object store", Remedy: "kubectl get pods -A -l " + aistor.LabelOperatorName}
}
