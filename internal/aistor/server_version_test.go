package aistor_test

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/aistor"
)

func mustParseVersion(t *testing.T, tag string) aistor.ServerVersion {
	t.Helper()
	r, err := aistor.ParseServerVersion(tag)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParseReleaseReadsEveryPublishedForm(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]struct {
		hotfix string
		fips   bool
	}{
		"RELEASE.2025-12-20T04-58-37Z":                   {},
		"RELEASE.2025-12-20T04-58-37Z.fips":              {fips: true},
		"RELEASE.2025-12-20T04-58-37Z.hotfix.f62a3e7":    {hotfix: "f62a3e7"},
		"RELEASE.2025-12-20T04-58-37Z.hotfix.a.b-c.fips": {hotfix: "a.b-c", fips: true},
		"2025-03-12T09-35-18Z":                           {},
	} {
		r := mustParseVersion(t, tag)
		if r.Hotfix != want.hotfix || r.FIPS != want.fips || r.Tag != tag {
			t.Errorf("%s: got %+v", tag, r)
		}
	}
}

func TestParseReleaseRefusesOtherTags(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"", "latest", "v1.5.0", "RELEASE.", "RELEASE.2025-13-20T04-58-37Z", "RELEASE.2025-12-20T04-58-37Z-extra", "xRELEASE.2025-12-20T04-58-37Z"} {
		if r, err := aistor.ParseServerVersion(tag); err == nil {
			t.Errorf("%q was read as %+v", tag, r)
		}
	}
}

func TestReleasesAreOrderedByTheirMoment(t *testing.T) {
	t.Parallel()
	order := []string{
		"2025-03-12T09-35-18Z", "RELEASE.2025-12-20T04-58-37Z", "RELEASE.2025-12-20T04-58-37Z.hotfix.aaa",
		"RELEASE.2025-12-20T04-58-37Z.hotfix.bbb", "RELEASE.2026-01-01T00-00-00Z",
	}
	for i, a := range order {
		for j, b := range order {
			got := mustParseVersion(t, a).Compare(mustParseVersion(t, b))
			if want := min(max(i-j, -1), 1); got != want {
				t.Errorf("%s against %s: %d, want %d", a, b, got, want)
			}
		}
	}
	if mustParseVersion(t, order[1]).Compare(mustParseVersion(t, order[1]+".fips")) != 0 {
		t.Error("a FIPS build is another release than its twin")
	}
}

func TestRollsAllAtOnceWhereEitherSideIsTooOld(t *testing.T) {
	t.Parallel()
	before, at, after := "RELEASE.2025-12-19T00-00-00Z", aistor.RollingSince, "RELEASE.2026-06-06T02-44-06Z"
	for _, tc := range []struct {
		from, to string
		want     bool
	}{
		{before, after, true}, {after, before, true}, {before, before, true}, {at, after, false}, {after, at, false}, {before, at, true},
	} {
		if got := aistor.RollsAllAtOnce(mustParseVersion(t, tc.from), mustParseVersion(t, tc.to)); got != tc.want {
			t.Errorf("%s to %s: %v", tc.from, tc.to, got)
		}
	}
}
