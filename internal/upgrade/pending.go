package upgrade

import (
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// record is what Helm says of the revision, for [journal.OwnsRevision].
func (r HelmRelease) record() journal.Revision {
	values := r.ValuesDigest
	if values == "" {
		values = plan.ValuesDigest(orEmpty(r.Values))
	}
	return journal.Revision{
		Number: r.Revision, Status: r.Status, Description: r.Description,
		Chart: r.Chart, Version: r.Version, Values: values, Begun: r.Updated,
	}
}

// owned reports whether this run, or one that was found beside it, made a
// revision.
func (e *Executor) owned(target string, rel HelmRelease) bool {
	return journal.OwnsRevision(append([]journal.Run{e.journal.Run}, e.journal.Found()...), target, rel.record())
}

// notBegun reports whether Helm refused to begin an operation because another
// one had begun: the pending revision is that one's, whatever it looks like.
func notBegun(err error) bool {
	if err == nil {
		return false
	}
	text := err.Error() // Helm exports the second one alone, from a package for storage
	return strings.HasSuffix(text, "another operation (install/upgrade/rollback) is in progress") || strings.HasSuffix(text, "release: already exists")
}

// checkOtherHelm returns a [BusyError] for a pending release at which another client's
// Helm may still be at work.
func (e *Executor) checkOtherHelm(target string, rel HelmRelease) error {
	until := rel.Updated.Add(plan.PendingReleaseGrace)
	if !isPending(rel) || rel.Updated.IsZero() || !e.opts.Now().Before(until) {
		return nil
	}
	if e.owned(target, rel) {
		return nil
	}
	return &BusyError{Holder: "another Helm", Since: rel.Updated, Release: target, Until: until}
}

func isPending(rel HelmRelease) bool { return strings.HasPrefix(rel.Status, "pending-") }
