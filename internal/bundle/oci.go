package bundle

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

const (
	ociLayout       = `{"imageLayoutVersion":"1.0.0"}`
	refNameKey      = "org.opencontainers.image.ref.name"
	mediaEmpty      = "application/vnd.oci.empty.v1+json"
	mediaHelmConfig = "application/vnd.cncf.helm.config.v1+json"
	mediaHelmChart  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	emptyJSON       = "{}"
)

// ociDescriptor and its kin fix the order of fields, which encoding/json keeps.
type ociDescriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Platform     *ociPlatform      `json:"platform,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

type ociPlatform struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Variant      string `json:"variant,omitempty"`
}

type ociIndex struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     string          `json:"mediaType"`
	Manifests     []ociDescriptor `json:"manifests"`
}

type ociManifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        ociDescriptor     `json:"config"`
	Layers        []ociDescriptor   `json:"layers"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

func descriptorOf(mediaType string, b []byte) images.Descriptor {
	return images.Descriptor{MediaType: mediaType, Digest: images.DigestOf(b), Size: int64(len(b))}
}

func toOCI(d images.Descriptor) ociDescriptor {
	return ociDescriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
}

// manifestArtifact wraps the encoded bundle manifest. It returns the artifact's
// blobs in file order, its manifest first.
func manifestArtifact(encoded []byte) ([]blob, error) {
	m := ociManifest{
		SchemaVersion: 2, MediaType: images.MediaTypeOCIManifest, ArtifactType: ArtifactType,
		Config: toOCI(descriptorOf(mediaEmpty, []byte(emptyJSON))),
		Layers: []ociDescriptor{toOCI(descriptorOf(MediaTypeManifest, encoded))},
	}
	return artifactBlobs(m, []byte(emptyJSON), encoded)
}

func artifactBlobs(m ociManifest, config, layer []byte) ([]blob, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("writing OCI manifest: %w", err)
	}
	return []blob{
		knownBlob(descriptorOf(images.MediaTypeOCIManifest, raw), raw),
		knownBlob(descriptorOf(m.Config.MediaType, config), config),
		knownBlob(descriptorOf(m.Layers[0].MediaType, layer), layer),
	}, nil
}

// indexJSON derives index.json from the bundle's manifest.
func indexJSON(m Manifest, self images.Descriptor) ([]byte, error) {
	ix := ociIndex{SchemaVersion: 2, MediaType: images.MediaTypeOCIIndex, Manifests: []ociDescriptor{}}
	for _, e := range m.Images {
		d := ociDescriptor{MediaType: e.MediaType, Digest: e.Digest, Size: e.Size}
		if !images.IsIndex(e.MediaType) && len(e.Platforms) == 1 {
			d.Platform = splitPlatform(e.Platforms[0])
		}
		d.Annotations = map[string]string{refNameKey: e.Ref.String()}
		ix.Manifests = append(ix.Manifests, d)
	}
	for _, r := range m.Referrers {
		d := toOCI(r.toDescriptor())
		d.ArtifactType = r.ArtifactType
		d.Annotations = map[string]string{refNameKey: r.Ref.String()}
		ix.Manifests = append(ix.Manifests, d)
	}
	for _, c := range m.Charts {
		d := toOCI(c.Manifest)
		d.Annotations = map[string]string{refNameKey: "charts/" + c.Name + ":" + tagOf(c.Version)}
		ix.Manifests = append(ix.Manifests, d)
	}
	if p := m.Plugins; p != nil {
		d := toOCI(p.Manifest)
		d.ArtifactType = artifactTypePlugins
		d.Annotations = map[string]string{refNameKey: "plugins/aistor-upgrade:v1alpha1"}
		ix.Manifests = append(ix.Manifests, d)
	}
	d := toOCI(self)
	d.ArtifactType = ArtifactType
	d.Annotations = map[string]string{refNameKey: "charts/" + ManifestName + ":v1alpha1"}
	ix.Manifests = append(ix.Manifests, d)
	b, err := json.Marshal(ix)
	if err != nil {
		return nil, fmt.Errorf("writing index.json: %w", err)
	}
	return b, nil
}

func splitPlatform(p string) *ociPlatform {
	parts := strings.SplitN(p, "/", 3)
	if len(parts) < 2 {
		return nil
	}
	out := &ociPlatform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		out.Variant = parts[2]
	}
	return out
}

func tagOf(version string) string { return strings.ReplaceAll(version, "+", "_") }
