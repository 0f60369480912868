package preflight

import (
	"context"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// publicReferencesReason is why references are not checked where the site keeps them.
const publicReferencesReason = "references stay public: the nodes' runtime redirects them"

// checkRenderedRefs checks every image that the target renders: each must be
// a reference at all, which no chart checks, and live in the private registry.
func checkRenderedRefs(_ context.Context, s *Subject) Result {
	if s.registrySettings().KeepsReferences() {
		return skipResult(publicReferencesReason)
	}
	mirror := s.registrySettings().Mirror
	if mirror.Registry == "" {
		return skipResult("no private registry set")
	}
	var f findings
	count := 0
	for _, c := range s.orderedChanges() {
		optional := optionalRefs(c)
		for _, img := range renderedImages(c.After, c.Namespace) {
			count++
			evaluateRendering(&f, mirror, c, img, optional)
		}
	}
	return f.buildResult("all %d rendered references are in %s", count, mirror.Registry)
}

func evaluateRendering(f *findings, mirror images.Mirror, c plan.Change, img imageReference, optional map[string]bool) {
	ref, err := images.ParseRef(img.value)
	switch {
	case err != nil:
		f.addFailure(img.object, "%s: %s: %q is not an image reference, so its pod would not start", objectLabel(img.object), img.path, img.value).
			setDetails(img.value, "HOST/PATH:TAG", "correct the image in "+valuesName(c))
	case !mirror.Owns(ref):
		status, what := Fail, ""
		if optional[img.value] {
			status, what = Warn, " (only if its feature is enabled)"
		}
		f.addFinding(status, img.object, "%s: %s: %s is pulled from outside the private registry%s", objectLabel(img.object), img.path, ref, what).
			setDetails(ref.String(), mirror.Map(ref).String(), "helm aistor values")
	}
}

// optionalRefs are the references of a change that nothing pulls with the
// values as they are.
func optionalRefs(c plan.Change) map[string]bool {
	m := map[string]bool{}
	for _, img := range c.Images {
		m[img.Ref.String()] = len(img.Reasons) > 0 && !slices.ContainsFunc(img.Reasons, func(r images.Reason) bool { return r.Kind.IsRequired() })
	}
	return m
}

// checkRunningRefs checks every running container, init containers and
// sidecars too.
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
			f.addFailure(podKey(p), "%s: %s %s: %s is not in the private registry", objectLabel(podKey(p)), containerKind(c), c.Name, c.Image).
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
