package upgrade

import (
	"slices"
	"strings"
	"time"
)

// helmWindow is how long a pending release that no run of ours explains may be
// the work of a Helm that is alive. It is the window of the preflight's check
// releases-settled too.
const helmWindow = 15 * time.Minute

// OwnsPending reports whether one of runs left a pending revision, begun at
// updated: its number follows the one before the call, and it was begun with
// the call and not by somebody else later.
func OwnsPending(runs []Run, target string, revision int, updated time.Time) bool {
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
	return after >= -time.Minute && after < helmWindow
}

// atWork returns a [BusyError] for a pending release at which somebody else's
// Helm may still be at work.
func (e *Executor) atWork(target string, rel Release) error {
	until := rel.Updated.Add(helmWindow)
	if !pending(rel) || rel.Updated.IsZero() || !e.opts.Now().Before(until) {
		return nil
	}
	if OwnsPending(append([]Run{e.journal.run}, e.runs...), target, rel.Revision, rel.Updated) {
		return nil
	}
	return &BusyError{Holder: "another Helm", Since: rel.Updated, Release: target, Until: until}
}

func pending(rel Release) bool { return strings.HasPrefix(rel.Status, "pending-") }
