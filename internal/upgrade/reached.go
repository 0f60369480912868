package upgrade

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// changed reports whether a release step is done: the release is at its target
// and everything is ready. A step that was begun and not ended, also by
// the run that this one goes on from, is never done by that: what is ready may not have reacted yet.
func (e *Executor) changed(ctx context.Context, s plan.Step) (bool, string, error) {
	rel, err := e.release(ctx, s)
	if err != nil || !e.reached(s, rel) {
		return false, "", err
	}
	c, err := changeOf(e.in, s)
	if err != nil {
		return false, "", err
	}
	if !e.at(s, c, rel) {
		return true, "the release is beyond this step", nil
	}
	rec := e.journal.Step(s.ID)
	begun := rec.Attempt > 0 || slices.Contains(e.journal.Open, s.Target)
	if begun && !rec.Status.Over() {
		return false, "", nil
	}
	now := e.live.Snapshot()
	return len(e.unready(now, s, c, nil)) == 0 && len(e.healing(now, s)) == 0, fmt.Sprintf("%s is deployed with these values and ready", c.To), nil
}

// reached reports whether the release is at the target of s or of a later step
// about the same release.
func (e *Executor) reached(s plan.Step, rel Release) bool {
	from := slices.IndexFunc(e.plan.Steps, func(o plan.Step) bool { return o.ID == s.ID })
	for _, o := range e.plan.Steps[from:] {
		if o.Target != s.Target || !changesRelease(o) {
			continue
		}
		if c, err := changeOf(e.in, o); err == nil && e.at(o, c, rel) {
			return true
		}
	}
	return false
}

// at reports whether the release is deployed exactly as s wants it. Since one
// version was published with several contents, a step that keeps the version
// needs the digest in the revision's description as proof.
func (e *Executor) at(s plan.Step, c *plan.Change, rel Release) bool {
	if rel.Status != "deployed" || rel.Chart != c.To.Name || rel.Version != c.To.Version {
		return false
	}
	if rel.Values != nil && !sameData(rel.Values, orEmpty(c.Values)) {
		return false
	}
	if rel.Values == nil && rel.ValuesDigest != s.Values {
		return false
	}
	if s.Revision > 0 {
		return rel.Revision == s.Revision || rel.Description == journal.RollbackDescription(s.Revision)
	}
	if c.To.Installed() {
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

// describe is the description of our revisions: what the user says, and then
// the plan, the step and the chart's bytes.
func (e *Executor) describe(s plan.Step) string {
	own := fmt.Sprintf(journal.DescriptionPrefix+"%s step %s chart %s", journal.Short(e.digest), s.ID, orElse(s.To.Digest, "unknown"))
	if e.opts.Description == "" {
		return own
	}
	return e.opts.Description + " (" + own + ")"
}
