package upgrade

import (
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// owned reports whether one of runs made a revision.
func owned(runs []Run, target string, rel Release) bool {
	return OwnsRevision(runs, target, rel.Revision, rel.Updated)
}

// OwnsRevision reports whether one of runs made a revision, or left it
// pending, begun at updated: its number follows the one before the call, and
// it was begun with the call and not by somebody else later.
func OwnsRevision(runs []Run, target string, revision int, updated time.Time) bool {
	return slices.ContainsFunc(runs, func(r Run) bool {
		return slices.ContainsFunc(r.Steps, func(s StepRecord) bool {
			return s.Target == target && (slices.Contains(s.Own, revision) ||
				s.Calling && revision == s.Before+1 && s.calledAt(updated))
		})
	})
}

// calledAt reports whether a revision begun at updated may be that of the
// record's newest call.
func (s StepRecord) calledAt(updated time.Time) bool {
	if s.Called.IsZero() || updated.IsZero() {
		return true
	}
	after := updated.Sub(s.Called)
	return after >= -time.Minute && after < plan.HelmWindow
}

// atWork returns a [BusyError] for a pending release at which somebody else's
// Helm may still be at work.
func (e *Executor) atWork(target string, rel Release) error {
	until := rel.Updated.Add(plan.HelmWindow)
	if !pending(rel) || rel.Updated.IsZero() || !e.opts.Now().Before(until) {
		return nil
	}
	if owned(e.allRuns(), target, rel) {
		return nil
	}
	return &BusyError{Holder: "another Helm", Since: rel.Updated, Release: target, Until: until}
}

// allRuns are this run and those found beside it.
func (e *Executor) allRuns() []Run { return append([]Run{e.journal.run}, e.runs...) }

func pending(rel Release) bool { return strings.HasPrefix(rel.Status, "pending-") }
