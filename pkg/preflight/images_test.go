package preflight

import (
	"strings"
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

func TestRenderedReferencesPrivate(t *testing.T) {
	t.Parallel()
	config := func(from, to string) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			s.Inputs.Operator[0].After[1] = mustParseObject(t, strings.Replace(operatorDocs(newOp)[1], from, to, 1))
		}
	}
	store := func(spec string) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) { s.Inputs.Stores[0].After = mustParseObjects(t, storeDoc(spec)) }
	}
	runCases(t, PreUpgradeChecks(), "references-private", []checkCase{
		{name: "all in the private registry", want: Pass, line: "all 3 rendered references are in " + private},
		{name: "one nested in a ConfigMap leads outside", want: Fail, change: config(private+"/aistor/minio-sidecar", "quay.io/minio/aistor/minio-sidecar"),
			line: "image quay.io/minio/aistor/minio-sidecar:" + minioR + ": pulled from outside the private registry; referenced by ConfigMap/aistor/object-store-operator .data.minio-sidecar → .image", required: private + "/aistor/minio-sidecar:" + minioR},
		{name: "a bare name leads to docker.io", want: Fail, change: config(private+"/aistor/minio:", "operator:"), line: "docker.io/library/operator"},
		{name: "an init container of the user's", want: Fail, change: store(`, initContainers: [{name: a, image: busybox}]`), line: "image docker.io/library/busybox: pulled from outside the private registry; referenced by ObjectStore/tenant/primary .spec.initContainers[0].image"},
		{name: "an optional one only warns", want: Warn, line: "(only if its feature is enabled)",
			change: func(t *testing.T, s *Subject) {
				s.Inputs.Operator[0].Images = []images.Image{{Ref: mustParseRef(t, "quay.io/minio/aistor/kes:R"), Reasons: []images.Reason{{Kind: images.KindOptional}}}}
			}},
		{name: "no registry set", want: Fail, line: "pulled from outside the private registry", change: func(_ *testing.T, s *Subject) { s.Plan.Registry.Registry = "" }},
	})
}

func TestBundleComplete(t *testing.T) {
	t.Parallel()
	missing := func(kind images.Kind) func(*testing.T, *Subject) {
		return func(t *testing.T, s *Subject) {
			s.Plan.Images = append(s.Plan.Images, plan.PlannedImage{Source: mustParseRef(t, "quay.io/minio/aistor/minwall:R"), Private: mustParseRef(t, private+"/aistor/minwall:R"),
				Reasons: []images.Reason{{Kind: kind, Object: "ConfigMap/aistor/object-store-operator", Path: ".data.minwall"}}})
		}
	}
	runCases(t, PreUpgradeChecks(), "bundle-complete", []checkCase{
		{name: "all carried", want: Pass, line: "contains all 3 images"},
		{name: "one is missing", want: Fail, change: missing(images.KindDefault), line: "image quay.io/minio/aistor/minwall:R: referenced by ConfigMap/aistor/object-store-operator .data.minwall",
			remedy: "helm aistor bundle create --image quay.io/minio/aistor/minwall:R"},
		{name: "one of the user's own", want: Warn, change: missing(images.KindUser), line: "must exist in the registry"},
		{name: "an optional one", want: Pass, change: missing(images.KindOptional), details: []string{"is pulled only if its feature is enabled"}},
	})
}

func TestNodePlatforms(t *testing.T) {
	t.Parallel()
	runCases(t, PreUpgradeChecks(), "node-platforms", []checkCase{
		{name: "every node's platform", want: Pass, line: "linux/amd64"},
		{name: "a node that does not say what it is", want: Error, line: "node n2: platform unknown", change: func(_ *testing.T, s *Subject) { s.Facts.Nodes[1].Platform = "/" }},
		{name: "an image that does not say what it is for", want: Error, line: "platforms in the bundle are unknown", change: func(_ *testing.T, s *Subject) { s.Inputs.Bundle.Images[0].Platforms = nil }},
		{name: "an arm64 node and an amd64 bundle", want: Fail, line: "the bundle has it for linux/amd64, node n2 is linux/arm64", remedy: "--platform linux/amd64,linux/arm64",
			change: func(_ *testing.T, s *Subject) {
				s.Facts.Nodes[1].Platform = "linux/arm64"
				s.Inputs.Bundle.Images[0].Platforms = []string{"linux/amd64"}
			}},
		{name: "an image with a variant serves", want: Pass, change: func(_ *testing.T, s *Subject) {
			s.Facts.Nodes[1].Platform = "linux/arm64"
			s.Inputs.Bundle.Images[0].Platforms = []string{"linux/amd64", "linux/arm64/v8"}
		}},
		{name: "nodes that don't say", want: Error, change: func(_ *testing.T, s *Subject) { s.Facts.Nodes[0].Platform, s.Facts.Nodes[1].Platform = "", "" }},
	})
}
