package preflight

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkImagesPresent asks for every image with the user's credentials, and
// where those are refused with a pull secret, and compares digests.
func checkImagesPresent(ctx context.Context, s *Subject) Result {
	if s.Registry == nil {
		return registryNotQueried(s)
	}
	wanted := wantedImages(s)
	if len(wanted) == 0 && s.Plan == nil && hasListGap(s.Facts, "pods") {
		return notListed(s.Facts, "pods")
	}
	if len(wanted) == 0 {
		return skipResult("nothing is pulled")
	}
	var questions []registryQuery
	for _, img := range wanted {
		questions = append(questions, registryQuery{img.Private, append([][]byte{nil}, secretsFor(s, img)...)})
	}
	answers := queryAll(ctx, s.Registry, questions)
	var f findings
	present := 0
	said := map[string]bool{}
	for i, img := range wanted {
		a := answers[questions[i].cacheKey()]
		if a.err == nil {
			present++
		}
		evaluatePresence(&f, s, img, a, said)
	}
	return f.buildResult("%s in the registry with the digests of the bundle", plural.CountIs(present, "image"))
}

// secretsFor are the credentials of all pullers of an image, each once.
func secretsFor(s *Subject, img plan.PlannedImage) [][]byte {
	var list [][]byte
	seen := map[string]bool{}
	for _, p := range referencedSecrets(s) {
		if len(img.Namespaces) > 0 && !slices.Contains(img.Namespaces, p.namespace) {
			continue
		}
		for _, c := range MatchCredentials(img.Private.Name(), keyringOf(s.Facts, p).configs...) {
			config := dockerConfigFor(img.Private.Host, c)
			if !seen[string(config)] {
				seen[string(config)] = true
				list = append(list, config)
			}
		}
	}
	return list
}

// matchesBundle reports whether what the registry holds is what the bundle carries:
// the same digest, or an index with the same manifest for each platform that
// is carried. The latter is what somebody left who mirrored whole indexes.
func matchesBundle(found ManifestInfo, img plan.PlannedImage) bool {
	if found.Digest == img.Digest {
		return true
	}
	for platform, digest := range img.Manifests {
		if found.Children[platform] != digest {
			return false
		}
	}
	return len(img.Manifests) > 0
}

func evaluatePresence(f *findings, s *Subject, img plan.PlannedImage, a queryResult, said map[string]bool) {
	k := img.ObjectKey()
	if a.err != nil {
		status, line, perImage := describeRefusal(a.err, img.Private)
		if !img.IsRequired() && status == Fail {
			return // pulled only where its feature is switched on
		}
		if said[line] && !perImage {
			return
		}
		said[line] = true
		f.addFinding(status, k, "image %s: %s", img.Private, line).
			setDetails(line, cmp.Or(strings.TrimSpace(img.Digest), "present"), cmp.Or(strings.TrimSpace(hintOf(a.err)), "helm aistor push BUNDLE"))
		return
	}
	if img.Digest != "" && !matchesBundle(a.found, img) {
		f.addFailure(k, "image %s: the registry has %s, the bundle %s", img.Private, a.found.Digest, img.Digest).
			setDetails(a.found.Digest, img.Digest, "helm aistor push BUNDLE")
		return
	}
	if img.IsRequired() {
		evaluatePlatforms(f, s, k, img.Private, a.found)
	}
}
