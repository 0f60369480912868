package preflight

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkBundle holds what the target pulls against what the bundle carries.
func checkBundle(_ context.Context, s *Subject) Result {
	if s.Plan.Bundle.Digest == "" {
		return skipResult("no bundle: images must exist in the registry")
	}
	var f findings
	carried, held := 0, pinnedImages(s)
	for _, img := range s.Plan.Images {
		if img.Digest != "" {
			carried++
			continue
		}
		k := imageObject(img)
		switch {
		case !img.IsRequired():
			f.addNote("%s is not in the bundle; it is pulled only if its feature is enabled", img.Source)
		case held[img.Private.String()]:
			f.addNote("%s is pinned and not in the bundle: checked in the registry", img.Private)
		case onlyUserSettings(img):
			f.addWarning(k, "image %s: referenced by %s and not in the bundle, so it must exist in the registry", img.Source, requestedBy(img)).
				setDetails("not in the bundle", img.Private.String(), "helm aistor bundle create --image "+img.Source.String())
		default:
			f.addFailure(k, "image %s: referenced by %s and not in the bundle", img.Source, requestedBy(img)).
				setDetails("not in "+s.Inputs.Bundle.Name, img.Source.String(), "helm aistor bundle create --image "+img.Source.String())
		}
	}
	return f.buildResult("the bundle contains all %s required", plural.Count(carried, "image"))
}

// pinnedImages are those that the operator gives to stores now and keeps
// giving: no bundle for a newer operator contains them.
func pinnedImages(s *Subject) map[string]bool {
	m := map[string]bool{}
	if !s.Plan.Options.PinStoreImages || len(s.Inputs.Operator) == 0 {
		return m
	}
	for _, ref := range plan.DefaultImages(s.Inputs.Operator[0].Before) {
		m[ref] = true
	}
	return m
}

// onlyUserSettings reports whether nothing but the user's own settings asks for an
// image, which then may be of the site's own making.
func onlyUserSettings(img plan.PlannedImage) bool {
	return !slices.ContainsFunc(img.Reasons, func(r images.Reason) bool {
		return r.Kind == images.KindDefault || r.Kind == images.KindHook
	})
}

func requestedBy(img plan.PlannedImage) string {
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

// imageObject is the first object that references an image.
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
	for _, want := range slices.Sorted(maps.Keys(nodePlatforms(f))) {
		if !slices.ContainsFunc(have, func(h string) bool { return images.MatchPlatform(want, h) }) {
			missing = append(missing, want)
		}
	}
	return missing
}

func checkPlatforms(_ context.Context, s *Subject) Result {
	if s.Plan.Bundle.Digest == "" {
		return skipResult("no bundle: platforms are checked in the registry")
	}
	needed := map[images.Ref]bool{}
	for _, img := range s.Plan.Images {
		needed[img.Source] = img.IsRequired()
	}
	nodes := nodePlatforms(s.Facts)
	if len(nodes) == 0 {
		return Result{Status: Error, Message: "no node reports its platform", Observed: "0 platforms",
			Required: "os/arch of every node", Remedy: "kubectl get nodes -o wide"}
	}
	var f findings
	for _, n := range s.Facts.Nodes {
		if strings.Trim(n.Platform, "/") == "" {
			f.addError(nodeKey(n.Name), "node %s: platform unknown", n.Name).
				setDetails("unknown", "os/arch", "kubectl describe node "+n.Name)
		}
	}
	for _, b := range s.Inputs.Bundle.Images {
		if !needed[b.Ref] {
			continue
		}
		if len(b.Platforms) == 0 {
			f.addError(plan.ObjectKey{Kind: "Image", Name: b.Ref.String()}, "image %s: platforms in the bundle are unknown", b.Ref).
				setDetails("unknown", strings.Join(slices.Sorted(maps.Keys(nodes)), ", "), "helm aistor bundle create")
			continue
		}
		for _, missing := range missingPlatforms(s.Facts, b.Platforms) {
			k := nodeKey(nodes[missing])
			f.addFailure(k, "image %s: the bundle has it for %s, node %s is %s", b.Ref, strings.Join(b.Platforms, ", "), nodes[missing], missing).
				setDetails(strings.Join(b.Platforms, ", "), missing, "helm aistor bundle create --platform "+strings.Join(slices.Sorted(maps.Keys(nodes)), ","))
		}
	}
	return f.buildResult("the bundle has every image for %s", strings.Join(slices.Sorted(maps.Keys(nodes)), ", "))
}
