package preflight

import (
	"context"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// keptPublic is why references are not judged where the site keeps them.
const keptPublic = "references stay public: the nodes' runtime redirects them"

// checkRenderedRefs looks at every image that the target renders: each must be
// a reference at all, which no chart checks, and live in the private registry.
func checkRenderedRefs(_ context.Context, s *Subject) Result {
	if s.registry().Keeps() {
		return skip(keptPublic)
	}
	mirror := s.registry().Mirror
	if mirror.Registry == "" {
		return skip("no private registry named")
	}
	var f findings
	count := 0
	for _, c := range s.changes() {
		optional := optionalRefs(c)
		for _, img := range renderedImages(c.After, c.Namespace) {
			count++
			judgeRendering(&f, mirror, c, img, optional)
		}
	}
	return f.result("all %d rendered references lead to %s", count, mirror.Registry)
}

func judgeRendering(f *findings, mirror images.Mirror, c plan.Change, img imageAt, optional map[string]bool) {
	ref, err := images.ParseRef(img.value)
	switch {
	case err != nil:
		f.fail(img.object, "%s: %s: %q is no image reference, and its pod would not start", label(img.object), img.path, img.value).
			wanted(img.value, "HOST/PATH:TAG", "correct the image in "+valuesName(c))
	case !mirror.Owns(ref):
		status, what := Fail, ""
		if optional[img.value] {
			status, what = Warn, " (only where its feature is switched on)"
		}
		f.add(status, img.object, "%s: %s: %s is pulled from outside the private registry%s", label(img.object), img.path, ref, what).
			wanted(ref.String(), mirror.Map(ref).String(), "helm aistor values")
	}
}

// optionalRefs are the references of a change that nothing pulls with the
// values as they are.
func optionalRefs(c plan.Change) map[string]bool {
	m := map[string]bool{}
	for _, img := range c.Images {
		m[img.Ref.String()] = len(img.Reasons) > 0 && !slices.ContainsFunc(img.Reasons, func(r images.Reason) bool { return r.Kind.Needed() })
	}
	return m
}

// checkRunningRefs looks at every container that runs, init containers and
// sidecars too.
func checkRunningRefs(_ context.Context, s *Subject) Result {
	if s.registry().Keeps() {
		return skip(keptPublic)
	}
	mirror := s.registry().Mirror
	if mirror.Registry == "" {
		return unseen("which registry is the private one is not known; --registry or --plan names it")
	}
	if len(s.Facts.Pods) == 0 {
		return noPods(s)
	}
	var f findings
	parse := parser()
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
			f.fail(podKey(p), "%s: %s %s: %s is not in the private registry", label(podKey(p)), containerKind(c), c.Name, c.Image).
				wanted(c.Image, want, "helm aistor values")
		}
	}
	return f.result("all containers of %s come from %s", words.Count(len(s.Facts.Pods), "pod"), mirror.Registry)
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
// have some, so that silence is no pass.
func noPods(s *Subject) Result {
	if unlisted(s.Facts, "pods") {
		return notListed(s.Facts, "pods")
	}
	servers := 0
	for _, st := range s.Facts.Stores {
		servers += st.Servers()
	}
	if servers == 0 && s.Facts.Operator == nil {
		return skip("no pods of AIStor")
	}
	return Result{Status: Fail, Message: "no pods of AIStor were found", Observed: "0 pods",
		Required: "pods of the operator and of every object store", Remedy: "kubectl get pods -A -l " + aistor.LabelOperatorName}
}
