package cli

import (
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

func aBundle() bundle.Manifest {
	image := func(name, digest, mediaType string, bytes int64, why images.Kind) bundle.ImageEntry {
		r, _ := images.ParseRef("quay.io/minio/aistor/" + name)
		return bundle.ImageEntry{
			Ref: r, Digest: "sha256:" + strings.Repeat(digest, 64), MediaType: mediaType, Bytes: bytes,
			Platforms: []string{"linux/amd64", "linux/arm64"}, Reasons: []images.Reason{{Kind: why}},
		}
	}
	signature, _ := images.ParseRef("quay.io/minio/aistor/operator:sha256-" + strings.Repeat("1", 16) + ".sig")
	return bundle.Manifest{
		Platforms: []string{"linux/amd64", "linux/arm64"},
		Charts: []bundle.ChartEntry{
			{Name: "aistor-objectstore", Version: "1.0.16", SHA256: "sha256:" + strings.Repeat("c", 64), Role: bundle.RoleObjectStore},
			{Name: "aistor-operator", Version: "5.8.0", SHA256: "sha256:" + strings.Repeat("d", 64), Role: bundle.RoleOperator, Intermediate: true},
		},
		Images: []bundle.ImageEntry{
			image("minio-sidecar:RELEASE.2026-06-06T02-44-06Z", "2", images.MediaTypeOCIIndex, 71_234_567, images.KindDefault),
			image("operator:RELEASE.2026-07-21T22-41-48Z", "1", images.MediaTypeDockerManifest, 21_000, images.KindHook),
		},
		Referrers: []bundle.Referrer{{
			Ref: signature, Subject: "sha256:" + strings.Repeat("1", 64), Digest: "sha256:" + strings.Repeat("3", 64),
			ArtifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
		}},
		Notes: []string{"a difference bundle: it lacks what 3 images have on the far side, and only helm aistor push can load it"},
	}
}

func aReceipt() images.Receipt {
	item := func(o images.Outcome, name string, sent int64) images.ReceiptItem {
		return images.ReceiptItem{Outcome: o, Destination: "registry.example.com:5000/" + name, BytesSent: sent}
	}
	return images.Receipt{Artifacts: []images.ReceiptItem{
		item(images.OutcomePushed, "aistor/minio-sidecar:RELEASE.2026-06-06T02-44-06Z", 71_234_567),
		item(images.OutcomePresent, "charts/aistor-operator:5.10.0", 0),
	}}
}
