package upgrade

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// isReleaseDone reports whether a release step is done: the release is at its target
// and everything is ready. A step that was begun and not ended, also by
// the run that this one resumes, is never done by that: what is ready may not have reacted yet.
func (e *Executor) isReleaseDone(ctx context.Context, s plan.Step) (bool, string, error) {
	rel, err := e.getRelease(ctx, s)
	if err != nil || !e.hasReachedTarget(s, rel) {
		return false, "", err
	}
	c, err := changeOf(e.inputs, s)
	if err != nil {
		return false, "", err
	}
	if !e.matchesTarget(s, c, rel) {
		return true, "the release is already past this step", nil
	}
	rec := e.journal.Step(s.ID)
	begun := rec.Attempt > 0 || slices.Contains(e.journal.Open, s.Target)
	if begun && !rec.Status.Over() {
		return false, "", nil
	}
	now := e.watch.Snapshot()
	return len(e.unreadyItems(now, s, c, nil)) == 0 && len(e.healingStores(now, s)) == 0, fmt.Sprintf("%s is deployed with these values and ready", c.To), nil
}

// hasReachedTarget reports whether the release is at the target of s or of a later step
// about the same release.
func (e *Executor) hasReachedTarget(s plan.Step, rel HelmRelease) bool {
	from := slices.IndexFunc(e.plan.Steps, func(o plan.Step) bool { return o.ID == s.ID })
	for _, o := range e.plan.Steps[from:] {
		if o.Target != s.Target || !o.Action.ChangesRelease() {
			continue
		}
		if c, err := changeOf(e.inputs, o); err == nil && e.matchesTarget(o, c, rel) {
			return true
		}
	}
	return false
}

// matchesTarget reports whether the release is deployed exactly as s wants it. Since one
// version was published with several contents, a step that keeps the version
// needs the digest in the revision's description as proof.
func (e *Executor) matchesTarget(s plan.Step, c *plan.Change, rel HelmRelease) bool {
	if rel.Status != "deployed" || rel.Chart != c.To.Name || rel.Version != c.To.Version {
		return false
	}
	if rel.Values != nil && !message.EqualJSON(rel.Values, orEmpty(c.Values)) {
		return false
	}
	if rel.Values == nil && rel.ValuesDigest != s.Values {
		return false
	}
	if s.Revision > 0 {
		return rel.Revision == s.Revision || rel.Description == journal.RollbackDescription(s.Revision)
	}
	if c.To.IsInstalled() {
		return true
	}
	digest, known := describedChart(rel.Description)
	if known && c.To.Digest != "" {
		return digest == c.To.Digest
	}
	return known || s.From == nil || s.From.String() != c.To.String()
}

// describedChart is the chart's digest in a description of ours, whatever the
// user's own words before it are.
func describedChart(description string) (string, bool) {
	i := strings.LastIndex(description, journal.DescriptionPrefix)
	if i < 0 {
		return "", false
	}
	_, digest, known := strings.Cut(description[i:], " chart ")
	return strings.TrimSuffix(digest, ")"), known
}

// revisionDescription is the description of our revisions: what the user says, and then
// the plan, the step and the chart's bytes.
func (e *Executor) revisionDescription(s plan.Step) string {
	own := fmt.Sprintf(journal.DescriptionPrefix+"%s step %s chart %s", journal.Short(e.digest), s.ID, cmp.Or(s.To.Digest, "unknown"))
	if e.opts.Description == "" {
		return own
	}
	return e.opts.Description + " (" + own + ")"
}
