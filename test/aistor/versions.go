package aistor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Names of the charts. The operator chart was renamed at 5.2.0.
const (
	OperatorChart    = "aistor-operator"
	OldOperatorChart = "aistor-objectstore-operator"
	StoreChart       = "aistor-objectstore"
)

// Image is one image an operator chart names by default.
type Image struct {
	// Key is the image's name below images: in the values.
	Key string
	// Repository is the key below repositories: in the values.
	Repository string
	// Image is the last part of the reference: name:tag.
	Image string
}

// Tag returns what follows the colon.
func (i Image) Tag() string {
	_, tag, _ := strings.Cut(i.Image, ":")
	return tag
}

// Reference returns the full upstream reference the chart renders by default.
func (i Image) Reference() string {
	if i.Repository == "minio" {
		return "quay.io/minio/" + i.Image
	}
	return "quay.io/minio/aistor/" + i.Image
}

// ParseImage is the inverse of [Image.Reference], for images of charts that
// this module does not make.
func ParseImage(ref string) (Image, error) {
	for _, repository := range []string{"aistor", "minio"} {
		prefix := Image{Repository: repository}.Reference()
		name, ok := strings.CutPrefix(ref, prefix)
		if key, tag, tagged := strings.Cut(name, ":"); ok && tagged && key != "" && tag != "" && !strings.Contains(key, "/") {
			return Image{Key: key, Repository: repository, Image: name}, nil
		}
	}
	return Image{}, fmt.Errorf("parsing image %q: want quay.io/minio/[aistor/]NAME:TAG", ref)
}

// Version is one version of one fixture chart.
type Version struct {
	// Chart is the chart's name and Version its version, without a v.
	Chart, Version string
	// Images are the operator charts' defaults, sorted by key; nil for object stores.
	Images []Image
}

// ID returns name-version, the stem of the packaged file.
func (v Version) ID() string { return v.Chart + "-" + v.Version }

// Release returns the operator's release tag, or "" for an object store chart.
func (v Version) Release() string {
	for _, i := range v.Images {
		if i.Key == "operator" {
			return i.Tag()
		}
	}
	return ""
}

// atLeast reports whether the version is the given one or newer.
func (v Version) atLeast(other string) (bool, error) {
	have, err := semver.NewVersion(v.Version)
	if err != nil {
		return false, fmt.Errorf("parsing version %q: %w", v.Version, err)
	}
	want, err := semver.NewVersion(other)
	if err != nil {
		return false, fmt.Errorf("parsing version %q: %w", other, err)
	}
	return !have.LessThan(want), nil
}

// Versions returns every fixture version, operators first, oldest first. The
// slice and everything below it are the caller's.
func Versions() []Version {
	return append(operators(), Version{Chart: StoreChart, Version: "1.0.9"},
		Version{Chart: StoreChart, Version: "1.0.13"}, Version{Chart: StoreChart, Version: "1.0.16"})
}

// Find returns the version with that ID, such as aistor-operator-5.8.0.
func Find(id string) (Version, error) {
	for _, v := range Versions() {
		if v.ID() == id {
			return v, nil
		}
	}
	return Version{}, fmt.Errorf("finding fixture chart %q: no such version", id)
}

// operators returns the operator charts with their default tags. RELEASE. is
// left out here; a tag that starts with v is literal.
func operators() []Version {
	return []Version{
		operator(OldOperatorChart, "5.1.0", tags{
			"operator": "2025-08-19T17-53-00Z", "minio": "2025-08-13T17-08-54Z", "minio-sidecar": "2025-06-30T21-59-04Z",
			"kes": "2025-07-15T11-40-19Z", "kes-sidecar": "2025-07-01T00-09-56Z", "mc": "2025-08-06T14-45-28Z",
			"firewall": "2024-11-01T19-53-30Z", "aihub": "2024-12-13T23-00-47Z", "prompt": "2025-01-17T21-55-43Z", "warp": "v1.3.0",
		}),
		operator(OperatorChart, "5.6.4", tags{
			"operator": "2026-04-13T10-27-16Z", "minio": "2026-05-04T23-02-27Z", "minio-sidecar": "2026-04-11T08-21-39Z",
			"kes": "2026-04-13T20-11-36Z", "kes-sidecar": "2026-04-08T22-44-27Z", "mc": "2026-04-21T04-26-49Z",
			"firewall": "2024-11-01T19-53-30Z", "aihub": "2025-12-11T18-08-15Z", "prompt": "2025-01-17T21-55-43Z", "warp": "v1.5.0",
		}),
		operator(OperatorChart, "5.8.0", newest("2026-07-14T19-42-05Z")),
		operator(OperatorChart, "5.10.0", newest("2026-07-21T22-41-48Z")),
	}
}

type tags map[string]string

// newest returns what 5.8.0 to 5.10.0 share: all but the operator's own tag.
func newest(operator string) tags {
	return tags{
		"operator": operator, "minio": "2026-06-06T02-44-06Z", "minio-sidecar": "2026-07-14T22-07-12Z",
		"kes": "2026-04-13T20-11-36Z", "kes-sidecar": "2026-07-14T22-03-37Z", "mc": "2026-06-24T01-47-10Z",
		"minwall": "2026-05-21T06-25-56Z", "aihub": "2025-12-11T18-08-15Z", "prompt": "2025-01-17T21-55-43Z", "warp": "v1.5.0",
	}
}

func operator(chart, version string, of tags) Version {
	v := Version{Chart: chart, Version: version}
	for key, tag := range of {
		if !strings.HasPrefix(tag, "v") {
			tag = "RELEASE." + tag
		}
		name, repository := key, "aistor"
		if key == "firewall" {
			name = "minwall"
		}
		if key == "warp" && chart == OldOperatorChart {
			repository = "minio"
		}
		v.Images = append(v.Images, Image{Key: key, Repository: repository, Image: name + ":" + tag})
	}
	slices.SortFunc(v.Images, func(a, b Image) int { return strings.Compare(a.Key, b.Key) })
	return v
}
