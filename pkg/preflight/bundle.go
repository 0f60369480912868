package preflight

import (
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkBundle holds what the target pulls against what the bundle carries.
func checkBundle(_ context.Context, s *Subject) Result {
	if s.Plan.Bundle.Digest == "" {
		return skip("no bundle: what is pulled has to be in the registry already")
	}
	var f findings
	carried, held := 0, heldImages(s)
	for _, img := range s.Plan.Images {
		if img.Digest != "" {
			carried++
			continue
		}
		k := imageObject(img)
		switch {
		case !img.Needed():
			f.note("%s is not in the bundle; it is pulled only where its feature is switched on", img.Source)
		case held[img.Private.String()]:
			f.note("%s is held as it is and not in the bundle: the registry is asked for it", img.Private)
		case onlyUsers(img):
			f.warn(k, "image %s: asked for by %s and not in the bundle, so it has to be in the registry already", img.Source, askedBy(img)).
				wanted("not in the bundle", img.Private.String(), "helm aistor bundle create --image "+img.Source.String())
		default:
			f.fail(k, "image %s: asked for by %s and not in the bundle", img.Source, askedBy(img)).
				wanted("not in "+s.Inputs.Bundle.Name, img.Source.String(), "helm aistor bundle create --image "+img.Source.String())
		}
	}
	return f.result("the bundle carries %s, all that are needed", words.Count(carried, "image"))
}

// heldImages are those that the operator gives to stores now and goes on to
// give: no bundle for a newer one carries them.
func heldImages(s *Subject) map[string]bool {
	m := map[string]bool{}
	if !s.Plan.Options.HoldStores || len(s.Inputs.Operator) == 0 {
		return m
	}
	for _, ref := range plan.DefaultImages(s.Inputs.Operator[0].Before) {
		m[ref] = true
	}
	return m
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
	if s.Plan.Bundle.Digest == "" {
		return skip("no bundle: the registry's images are held against the nodes")
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
	for _, n := range s.Facts.Nodes {
		if strings.Trim(n.Platform, "/") == "" {
			f.error(nodeKey(n.Name), "node %s: does not say what platform it is of", n.Name).
				wanted("unknown", "os/arch", "kubectl describe node "+n.Name)
		}
	}
	for _, b := range s.Inputs.Bundle.Images {
		if !needed[b.Ref] {
			continue
		}
		if len(b.Platforms) == 0 {
			f.error(plan.ObjectKey{Kind: "Image", Name: b.Ref.String()}, "image %s: the bundle does not say for which platforms it has it", b.Ref).
				wanted("unknown", strings.Join(sortedKeys(nodes), ", "), "helm aistor bundle create")
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
