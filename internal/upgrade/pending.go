package upgrade

import (
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// owned reports whether one of runs made a revision.
func owned(runs []journal.Run, target string, rel Release) bool {
	return journal.OwnsRevision(runs, target, rel.Revision, rel.Updated)
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
func (e *Executor) allRuns() []journal.Run {
	return append([]journal.Run{e.journal.Run}, e.journal.Found()...)
}

func pending(rel Release) bool { return strings.HasPrefix(rel.Status, "pending-") }
