package images

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// The media types that transfers tell apart. Anything else is treated as an
// image manifest if it parses as one.
const (
	MediaTypeOCIIndex       = "application/vnd.oci.image.index.v1+json"
	MediaTypeOCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	MediaTypeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	MediaTypeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
)

// MaxManifestSize is the largest manifest accepted anywhere. Registries limit
// manifests to 4 MiB; more is an attack or an accident.
const MaxManifestSize = 4 << 20

// Node is what one manifest refers to.
type Node struct {
	// Manifests are the children of an index, in its order.
	Manifests []Descriptor
	// Blobs are config and layers of an image, in its order, each once.
	Blobs []Descriptor
}

type rawDescriptor struct {
	Descriptor
	Platform *struct {
		OS      string `json:"os"`
		Arch    string `json:"architecture"`
		Variant string `json:"variant"`
	} `json:"platform"`
}

type rawManifest struct {
	MediaType string          `json:"mediaType"`
	Config    *rawDescriptor  `json:"config"`
	Layers    []rawDescriptor `json:"layers"`
	Manifests []rawDescriptor `json:"manifests"`
}

// ParseManifest reads an image manifest or an index. Every digest in it is
// checked to be a sha256 digest and every size to be sane, so that callers may
// use both without further thought. Docker schema 1 is refused: it has no
// sizes and no digests of its own.
func ParseManifest(raw []byte, mediaType string) (Node, error) {
	var m rawManifest
	if err := json.Unmarshal(raw, &m); err != nil {
		return Node{}, fmt.Errorf("parsing manifest: %w", err)
	}
	if IsIndex(mediaType) {
		children, err := parseDescriptors(m.Manifests)
		return Node{Manifests: children}, err
	}
	if m.Config == nil {
		return Node{}, fmt.Errorf("parsing manifest of type %q: it has no config (Docker schema 1 is not supported)", mediaType)
	}
	blobs, err := parseDescriptors(append([]rawDescriptor{*m.Config}, m.Layers...))
	return Node{Blobs: blobs}, err
}

// IsIndex reports whether mediaType is a list of manifests.
func IsIndex(mediaType string) bool {
	return mediaType == MediaTypeOCIIndex || mediaType == MediaTypeDockerList
}

func parseDescriptors(in []rawDescriptor) ([]Descriptor, error) {
	out := make([]Descriptor, 0, len(in))
	seen := make(map[string]bool, len(in))
	for _, r := range in {
		if err := CheckDigest(r.Digest); err != nil {
			return nil, err
		}
		if r.Size < 0 || r.Size > 1<<50 {
			return nil, fmt.Errorf("parsing descriptor %q: invalid size %d", r.Digest, r.Size)
		}
		if seen[r.Digest] {
			continue
		}
		seen[r.Digest] = true
		d := r.Descriptor
		if p := r.Platform; p != nil && p.OS != "" {
			d.Platform = platformString(p.OS, p.Arch, p.Variant)
		}
		out = append(out, d)
	}
	return out, nil
}

func platformString(os, arch, variant string) string {
	if variant != "" {
		return os + "/" + arch + "/" + variant
	}
	return os + "/" + arch
}

// CheckDigest reports an error unless s is "sha256:" and 64 lower-case hex
// digits, which is what a file name may be made of.
func CheckDigest(s string) error {
	hexed, ok := strings.CutPrefix(s, "sha256:")
	if !ok || len(hexed) != 64 || strings.Trim(hexed, "0123456789abcdef") != "" {
		return fmt.Errorf("reading digest %q: it is not sha256 in lower-case hex", s)
	}
	return nil
}

// DigestOf is the sha256 digest of b in the form registries use.
func DigestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}
