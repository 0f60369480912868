package aistor

import (
	"fmt"
	"regexp"
	"time"
)

// ServerVersion is the release tag of an image, RELEASE.YYYY-MM-DDTHH-MM-SSZ with an
// optional hotfix and an optional .fips.
//
// The zero value is not a release. Releases are comparable with ==; use
// [ServerVersion.Compare] for their order.
type ServerVersion struct {
	// Tag is the tag as it was written.
	Tag string
	// Unix is the moment the tag names, in seconds.
	Unix int64
	// Hotfix is what follows ".hotfix.", often a commit; empty for a release
	// proper.
	Hotfix string
	// FIPS says that the tag ends in .fips.
	FIPS bool
}

const serverVersionLayout = "2006-01-02T15-04-05Z"

var serverVersionPattern = regexp.MustCompile(`^(?:RELEASE\.)?(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z)(?:\.hotfix\.([0-9A-Za-z._-]+?))?(\.fips)?$`)

// ParseServerVersion reads a tag. KES images before chart 5.0.0 carry no "RELEASE."
// and are read all the same. Tags of other forms, such as warp's v1.5.0 or
// "latest", are an error.
func ParseServerVersion(tag string) (ServerVersion, error) {
	m := serverVersionPattern.FindStringSubmatch(tag)
	if m == nil {
		return ServerVersion{}, fmt.Errorf("parsing release tag %q: not of the form RELEASE.YYYY-MM-DDTHH-MM-SSZ", tag)
	}
	at, err := time.Parse(serverVersionLayout, m[1])
	if err != nil {
		return ServerVersion{}, fmt.Errorf("parsing release tag %q: %w", tag, err)
	}
	return ServerVersion{Tag: tag, Unix: at.Unix(), Hotfix: m[2], FIPS: m[3] != ""}, nil
}

// Compare orders by the moment of the release; a hotfix comes after the
// release it repairs, two hotfixes of one release in the order of their text.
// A FIPS build is the same release as the standard build.
func (r ServerVersion) Compare(o ServerVersion) int {
	switch {
	case r.Unix < o.Unix:
		return -1
	case r.Unix > o.Unix:
		return 1
	default:
		return compareStrings(r.Hotfix, o.Hotfix)
	}
}

// Before reports whether r is older than o.
func (r ServerVersion) Before(o ServerVersion) bool { return r.Compare(o) < 0 }

// RollingSince is the first server release that restarts one pod at a time.
const RollingSince = "RELEASE.2025-12-20T04-58-37Z"

// RollsAllAtOnce reports whether going from one server release to another
// restarts every pod of an object store together, which is an outage: it does
// where either side is older than [RollingSince]. From there on pods are
// drained and restarted one by one.
func RollsAllAtOnce(from, to ServerVersion) bool {
	boundary, err := ParseServerVersion(RollingSince)
	if err != nil {
		return true
	}
	return from.Before(boundary) || to.Before(boundary)
}
