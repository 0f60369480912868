package journal

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// DescriptionPrefix begins what an upgrade writes into the description of its
// revisions; [Short] of the plan's digest and a space follow.
const DescriptionPrefix = "aistor-upgrade plan "

// Revision is what Helm's record says of one revision of a release.
type Revision struct {
	Number int
	// Status and Description are Helm's.
	Status, Description string
	// Chart and Version are the chart's; Values is [plan.ValuesDigest] of the
	// user's values.
	Chart, Version, Values string
	// Begun is when Helm began to make it; zero where unknown.
	Begun time.Time
	// Created is when the API server created the record; zero where unknown.
	Created time.Time
}

// RevisionOf is a release's newest revision.
func RevisionOf(r plan.InstalledRelease) Revision {
	return Revision{
		Number: r.Revision, Status: r.Status, Description: r.Description,
		Chart: r.Chart, Version: r.Version, Values: plan.ValuesDigest(r.Values), Begun: r.Updated, Created: r.Created,
	}
}

// Operation is what one Helm operation is to make.
type Operation struct {
	Chart   string `json:"chart"`
	Version string `json:"version"`
	// Values is [plan.ValuesDigest] of the user's values.
	Values string `json:"values"`
	// BackTo is the revision that a rollback goes back to; 0 is an upgrade.
	BackTo int `json:"backTo,omitempty"`
}

// MadeByPlan reports whether a revision's description says that it was made for
// the plan with this digest. Helm writes the description when a revision is
// deployed, and not before.
func MadeByPlan(description, digest string) bool {
	i := strings.LastIndex(description, DescriptionPrefix)
	return i >= 0 && digest != "" && strings.HasPrefix(description[i+len(DescriptionPrefix):], Short(digest)+" ")
}

// RollbackDescription is how Helm describes a rollback, also while it is under
// way.
func RollbackDescription(revision int) string { return fmt.Sprintf("Rollback to %d", revision) }

// OwnsRevision reports whether one of runs made a revision of a release. It is
// the only rule for that; its number alone is no proof, since another client's
// Helm may have begun the revision that a run was about to make.
func OwnsRevision(runs []Run, target string, rev Revision) bool {
	return slices.ContainsFunc(runs, func(r Run) bool { return r.OwnsRevision(target, rev) })
}

// OwnsRevision reports whether this run made a revision of a release: its
// description names the run's plan, or one of the run's steps made it.
func (r Run) OwnsRevision(target string, rev Revision) bool {
	if strings.Contains(rev.Description, DescriptionPrefix) {
		return MadeByPlan(rev.Description, r.Plan) // whatever a step claims
	}
	return slices.ContainsFunc(r.Steps, func(s StepRecord) bool { return s.Target == target && s.made(rev) })
}

// RecordRevision notes the revision that was found after a Helm operation ended, if the
// operation made it.
func (s *StepRecord) RecordRevision(digest string, rev Revision) {
	if !s.Calling {
		return
	}
	made := rev.Number > s.Before && MadeByPlan(rev.Description, digest) || s.made(rev)
	s.Calling = false
	if !made {
		return
	}
	s.Own = append(slices.Clip(s.Own), rev.Number)
	s.Begun = maps.Clone(s.Begun)
	if s.Begun == nil {
		s.Begun = map[int]time.Time{}
	}
	s.Begun[rev.Number] = rev.Begun
}

// made reports whether a revision is one that the step saw the end of, which the
// time identifies, or that of the operation whose end nobody saw: this has the
// next number, is what the operation is to make, did not begin before it, and
// is not deployed with another client's description.
func (s StepRecord) made(rev Revision) bool {
	if rev.Begun.IsZero() {
		return false
	}
	if slices.Contains(s.Own, rev.Number) && s.Begun[rev.Number].Equal(rev.Begun) {
		return true
	}
	return s.Calling && s.Making != nil && s.Making.left(rev) && rev.Number == s.Before+1 &&
		!s.Called.IsZero() && !rev.Begun.Before(s.Called) && rev.Begun.Before(s.Called.Add(plan.PendingReleaseGrace))
}

// left reports whether a revision is what the operation leaves before its end,
// or, of a rollback, also then: Helm describes it by its target alone.
func (o Operation) left(rev Revision) bool {
	if rev.Chart != o.Chart || rev.Version != o.Version || rev.Values != o.Values {
		return false
	}
	switch {
	case o.BackTo == 0:
		return rev.Status == "pending-upgrade" || rev.Status == "failed"
	case rev.Description == RollbackDescription(o.BackTo):
		return true
	}
	return rev.Status == "pending-rollback" || rev.Status == "failed"
}
