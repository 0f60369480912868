package bundle

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// The names that a bundle's own manifest goes by.
const (
	APIVersion = "upgrade.aistor.dev/v1alpha1"
	Kind       = "Bundle"

	// ManifestName is the repository's last element, and the name in the
	// index, of the manifest artifact.
	ManifestName = "aistor-bundle"

	// ArtifactType marks the manifest artifact, MediaTypeManifest its layer.
	ArtifactType      = "application/vnd.aistor-upgrade.bundle.v1alpha1"
	MediaTypeManifest = "application/vnd.aistor-upgrade.bundle.manifest.v1alpha1+json"
)

// readerVersion is what this code can read. A bundle that asks for more is
// refused. Each bundle asks for no more than it needs: firstVersion, or
// referrersVersion where it carries what belongs to images.
const (
	firstVersion     = 1
	referrersVersion = 2
	readerVersion    = referrersVersion
)

// ChartRole says what a chart installs.
type ChartRole string

// The roles of charts.
const (
	RoleOperator    ChartRole = "operator"
	RoleObjectStore ChartRole = "object-store"
)

// Manifest says what a bundle holds and why. Everything else in the file
// follows from it.
type Manifest struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Tool is the name and version of what made the bundle.
	Tool string `json:"tool,omitempty"`
	// MinReader is the least version of the format a reader must know.
	MinReader int `json:"minReader"`
	// Platforms are those asked for; empty means all.
	Platforms []string `json:"platforms,omitempty"`
	// Charts are sorted by name and version.
	Charts []ChartEntry `json:"charts,omitempty"`
	// Images are sorted by reference.
	Images []ImageEntry `json:"images,omitempty"`
	// Referrers are signatures and other artifacts that belong to the images,
	// sorted by reference.
	Referrers []Referrer `json:"referrers,omitempty"`
	// Assumed are blobs that are left out because the airgapped side has them.
	Assumed []Assumed `json:"assumed,omitempty"`
	// Plugins are the plugins' own files, where they travel along.
	Plugins *Plugins `json:"plugins,omitempty"`
	// IntermediateVersions are operator versions that must be passed on the way.
	IntermediateVersions []string `json:"intermediateVersions,omitempty"`
	// Notes are what the person on the airgapped side should know.
	Notes []string `json:"notes,omitempty"`
}

// ChartEntry is one chart. Its digest names the very bytes of the .tgz: a version
// alone does not, since versions were published twice.
type ChartEntry struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	AppVersion string `json:"appVersion,omitempty"`
	// SHA256 is the digest of the .tgz, "sha256:…".
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// File is the name the chart came in.
	File         string    `json:"file,omitempty"`
	Role         ChartRole `json:"role,omitempty"`
	Intermediate bool      `json:"intermediateVersion,omitempty"`
	// Manifest is the chart's OCI manifest.
	Manifest images.Descriptor `json:"manifest"`
}

// ImageEntry is one image.
type ImageEntry struct {
	Ref images.Ref `json:"ref"`
	// Digest, MediaType and Size are of the manifest or index that is carried
	// and pushed.
	Digest    string `json:"digest"`
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	// Bytes is the size of the entire image: its manifests, configs and layers,
	// each once. What other images share with it counts for each.
	Bytes int64 `json:"bytes"`
	// SourceDigest is what the reference pointed to upstream, where that is
	// another digest because only some platforms are carried.
	SourceDigest string `json:"sourceDigest,omitempty"`
	// Platforms are those carried, Missing those asked for that the image
	// does not have.
	Platforms []string        `json:"platforms,omitempty"`
	Missing   []string        `json:"missingPlatforms,omitempty"`
	Reasons   []images.Reason `json:"reasons,omitempty"`
	// Inline are configs that stand among the manifests in the file.
	Inline []string `json:"inline,omitempty"`
}

// Referrer is an artifact that belongs to an image.
type Referrer struct {
	// Ref is its own: the image's repository with a tag (cosign's, such as
	// "sha256-….sig") or with a digest.
	Ref images.Ref `json:"ref"`
	// Subject is the digest of the manifest it belongs to.
	Subject string `json:"subject"`
	// ArtifactType says what it is, as its manifest does; it may be empty.
	ArtifactType string `json:"artifactType,omitempty"`
	Digest       string `json:"digest"`
	MediaType    string `json:"mediaType"`
	Size         int64  `json:"size"`
}

func (e ImageEntry) toDescriptor() images.Descriptor {
	return images.Descriptor{MediaType: e.MediaType, Digest: e.Digest, Size: e.Size}
}

// InDockerFormat reports whether the image is of Docker's media types (schema
// 2) instead of OCI's.
func (e ImageEntry) InDockerFormat() bool {
	return e.MediaType == images.MediaTypeDockerManifest || e.MediaType == images.MediaTypeDockerList
}

func (r Referrer) toDescriptor() images.Descriptor {
	return images.Descriptor{MediaType: r.MediaType, Digest: r.Digest, Size: r.Size}
}

// Assumed lists the blobs of one source repository that are left out.
type Assumed struct {
	Repository string   `json:"repository"`
	Digests    []string `json:"digests"`
}

func (m Manifest) encodeJSON() ([]byte, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("writing bundle manifest: %w", err)
	}
	return b, nil
}

func decodeManifest(b []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("reading bundle manifest: %w", err)
	}
	if m.Kind != Kind {
		return Manifest{}, fmt.Errorf("reading bundle manifest: kind is %q, not %q", m.Kind, Kind)
	}
	if m.MinReader > readerVersion {
		return Manifest{}, &TooNewError{Need: m.MinReader, Tool: m.Tool}
	}
	if err := m.validate(); err != nil {
		return Manifest{}, fmt.Errorf("reading bundle manifest: %w", err)
	}
	return m, nil
}

// validate demands of names and digests what they need to be used without further
// thought: in paths, in requests, and in what is shown.
func (m Manifest) validate() error {
	var digests []string
	for _, c := range m.Charts {
		if err := checkChartName(c.Name, c.Version); err != nil {
			return err
		}
		digests = append(digests, c.SHA256, c.Manifest.Digest)
	}
	for _, e := range m.Images {
		if e.Ref.IsZero() {
			return fmt.Errorf("image %s has no reference", e.Digest)
		}
		digests = append(digests, e.Digest)
	}
	for _, r := range m.Referrers {
		if r.Ref.IsZero() {
			return fmt.Errorf("artifact %s has no reference", r.Digest)
		}
		digests = append(digests, r.Digest, r.Subject)
	}
	if m.Plugins != nil {
		digests = append(digests, m.Plugins.SHA256, m.Plugins.Manifest.Digest)
	}
	for _, d := range digests {
		if err := images.CheckDigest(d); err != nil {
			return err
		}
	}
	return nil
}

// checkChartName demands what may become a part of a repository's name, a tag
// and a file's name: a hostile name must not lead elsewhere.
func checkChartName(name, version string) error {
	if !regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`).MatchString(name) {
		return fmt.Errorf("%q is not a valid chart name", name)
	}
	if !regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]{0,127}$`).MatchString(version) {
		return fmt.Errorf("%q is not a valid version of chart %q", version, name)
	}
	return nil
}
