package workflow

import (
	"context"
	"fmt"

	"github.com/aistor-upgrade/aistor-upgrade/internal/bundle"
	"github.com/aistor-upgrade/aistor-upgrade/internal/chart"
	"github.com/aistor-upgrade/aistor-upgrade/internal/planinput"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// BundleCharts loads the charts of a bundle.
func BundleCharts(b bundle.Reader) ([]planinput.BundleChart, error) {
	var list []planinput.BundleChart
	for _, c := range b.Manifest().Charts {
		data, err := b.Chart(c.Name, c.Version)
		if err != nil {
			return nil, err
		}
		loaded, err := chart.LoadData(data)
		if err != nil {
			return nil, fmt.Errorf("reading chart %s-%s of the bundle: %w", c.Name, c.Version, err)
		}
		list = append(list, planinput.BundleChart{Chart: loaded, Intermediate: c.Intermediate})
	}
	return list, nil
}

// planBundle is what a plan says of a bundle.
func planBundle(ctx context.Context, name string, b bundle.Reader) (plan.Bundle, error) {
	m := b.Manifest()
	out := plan.Bundle{Name: name, Digest: b.Digest()}
	for _, c := range m.Charts {
		out.Charts = append(out.Charts, plan.ChartRef{Name: c.Name, Version: c.Version, Digest: c.SHA256})
	}
	for _, i := range m.Images {
		manifests, err := platformManifests(ctx, b, i)
		if err != nil {
			return out, err
		}
		out.Images = append(out.Images, plan.BundleImage{
			Ref: i.Ref, Digest: i.Digest, Size: i.Bytes, Platforms: i.Platforms, Manifests: manifests,
		})
	}
	return out, nil
}

// platformManifests are the digests of an image's own manifests, by platform.
func platformManifests(ctx context.Context, b bundle.Reader, i bundle.ImageEntry) (map[string]string, error) {
	m := map[string]string{}
	if !images.IsIndex(i.MediaType) {
		for _, platform := range i.Platforms {
			m[platform] = i.Digest
		}
		return m, nil
	}
	raw, err := b.Source().ReadManifest(ctx,
		images.Artifact{Kind: images.ArtifactImage, Ref: i.Ref},
		images.Descriptor{MediaType: i.MediaType, Digest: i.Digest, Size: i.Size})
	if err != nil {
		return nil, err
	}
	node, err := images.ParseManifest(raw, i.MediaType)
	for _, d := range node.Manifests {
		m[d.Platform] = d.Digest
	}
	return m, err
}
