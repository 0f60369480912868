package standin

import (
	"strings"
	"time"
)

// firstRolling is the first server release whose restarts are one pod at a
// time. A change from or to anything earlier restarts every pod at once.
const firstRolling = "RELEASE.2025-12-20T04-58-37Z"

// releaseTime parses RELEASE.2006-01-02T15-04-05Z, with or without a suffix
// such as .fips or .hotfix.abc.
func releaseTime(tag string) (time.Time, bool) {
	const layout = "RELEASE.2006-01-02T15-04-05Z"
	if len(tag) < len(layout) {
		return time.Time{}, false
	}
	at, err := time.Parse(layout, tag[:len(layout)])
	if rest := tag[len(layout):]; err != nil || (rest != "" && !strings.HasPrefix(rest, ".")) {
		return time.Time{}, false
	}
	return at, true
}

// crosses reports whether going from one server release to another restarts
// every pod at once. The same release, or a tag that is none, does not.
func crosses(from, to string) bool {
	border, _ := releaseTime(firstRolling)
	before, ok := releaseTime(from)
	after, also := releaseTime(to)
	if !ok || !also || before.Equal(after) {
		return false
	}
	return before.Before(border) || after.Before(border)
}
