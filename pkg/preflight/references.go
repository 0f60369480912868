package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkRenderedRefs looks at every image that the target renders: each must be
// a reference at all, which no chart checks, and live in the private registry.
func checkRenderedRefs(_ context.Context, s *Subject) Result {
	if s.Inputs == nil {
		return skip("no bundle to render")
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
		m[img.Ref.String()] = len(img.Reasons) > 0 && !slices.ContainsFunc(img.Reasons, func(r images.Reason) bool {
			return r.Kind != images.KindOptional && r.Kind != images.KindPossible && r.Kind != images.KindTest
		})
	}
	return m
}

// checkRunningRefs looks at every container that runs, init containers and
// sidecars too.
func checkRunningRefs(_ context.Context, s *Subject) Result {
	mirror := s.registry().Mirror
	if mirror.Registry == "" {
		return skip("no private registry named")
	}
	if len(s.Facts.Pods) == 0 {
		return noPods(s)
	}
	var f findings
	for _, p := range s.Facts.Pods {
		for _, c := range p.Containers {
			ref, err := images.ParseRef(c.Image)
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
	return f.result("all containers of %d pods come from %s", len(s.Facts.Pods), mirror.Registry)
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

// checkBundle holds what the target pulls against what the bundle carries.
func checkBundle(_ context.Context, s *Subject) Result {
	if s.Inputs == nil || s.Plan == nil {
		return skip("no bundle")
	}
	var f findings
	carried := 0
	for _, img := range s.Plan.Images {
		if img.Digest != "" {
			carried++
			continue
		}
		k := imageObject(img)
		switch {
		case !img.Needed():
			f.note("%s is not in the bundle; it is pulled only where its feature is switched on", img.Source)
		case onlyUsers(img):
			f.warn(k, "image %s: asked for by %s and not in the bundle, so it has to be in the registry already", img.Source, askedBy(img)).
				wanted("not in the bundle", img.Private.String(), "helm aistor bundle create --image "+img.Source.String())
		default:
			f.fail(k, "image %s: asked for by %s and not in the bundle", img.Source, askedBy(img)).
				wanted("not in "+s.Inputs.Bundle.Name, img.Source.String(), "helm aistor bundle create --image "+img.Source.String())
		}
	}
	return f.result("the bundle carries %d images, all that are needed", carried)
}

// onlyUsers reports whether nothing but the user's own settings asks for an
// image, which then may be of the site's own making.
func onlyUsers(img plan.PlannedImage) bool {
	return !slices.ContainsFunc(img.Reasons, func(r images.Reason) bool {
		return r.Kind == images.KindDefault || r.Kind == images.KindHook
	})
}

func askedBy(img plan.PlannedImage) string {
	var list []string
	for _, r := range img.Reasons {
		if one := strings.TrimSpace(r.Object + " " + r.Path); one != "" && !slices.Contains(list, one) {
			list = append(list, one)
		}
	}
	if len(list) == 0 {
		return "the values"
	}
	return strings.Join(list, ", ")
}

// imageObject is the first object that asks for an image.
func imageObject(img plan.PlannedImage) plan.ObjectKey {
	return plan.ObjectKey{Kind: "Image", Name: img.Private.String()}
}

// nodePlatforms are the platforms that pods may land on, each with one node.
func nodePlatforms(f *plan.Facts) map[string]string {
	m := map[string]string{}
	for _, n := range f.Nodes {
		if n.Platform != "" && m[n.Platform] == "" && strings.HasPrefix(n.Platform, "linux") {
			m[n.Platform] = n.Name
		}
	}
	return m
}

// missingPlatforms are the nodes' platforms that an image does not have.
func missingPlatforms(f *plan.Facts, have []string) []string {
	var missing []string
	for _, want := range sortedKeys(nodePlatforms(f)) {
		if !slices.ContainsFunc(have, func(h string) bool { return images.MatchPlatform(want, h) }) {
			missing = append(missing, want)
		}
	}
	return missing
}

func checkPlatforms(_ context.Context, s *Subject) Result {
	if s.Inputs == nil || s.Plan == nil {
		return skip("no bundle")
	}
	needed := map[images.Ref]bool{}
	for _, img := range s.Plan.Images {
		needed[img.Source] = img.Needed()
	}
	nodes := nodePlatforms(s.Facts)
	if len(nodes) == 0 {
		return Result{Status: Error, Message: "no node says what platform it is of", Observed: "0 platforms",
			Required: "os/arch of every node", Remedy: "kubectl get nodes -o wide"}
	}
	var f findings
	for _, b := range s.Inputs.Bundle.Images {
		if len(b.Platforms) == 0 || !needed[b.Ref] {
			continue
		}
		for _, missing := range missingPlatforms(s.Facts, b.Platforms) {
			k := nodeKey(nodes[missing])
			f.fail(k, "image %s: the bundle has it for %s, node %s is %s", b.Ref, strings.Join(b.Platforms, ", "), nodes[missing], missing).
				wanted(strings.Join(b.Platforms, ", "), missing, "helm aistor bundle create --platform "+strings.Join(sortedKeys(nodes), ","))
		}
	}
	return f.result("the bundle has every image for %s", strings.Join(sortedKeys(nodes), ", "))
}
