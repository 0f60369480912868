package preflight

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

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
