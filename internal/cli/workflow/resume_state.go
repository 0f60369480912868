package workflow

import (
	"context"
	"fmt"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// AddResumeState tells the checks what an earlier upgrade left. An error means that
// nothing is known of any, not that there was none.
func (o *TargetOptions) AddResumeState(ctx context.Context, s *preflight.Subject) error {
	if JournalNamespace(s.Facts) == "" {
		return nil
	}
	confirmed, err := o.Confirmed(ctx, s.Facts, journal.EvidenceOf(s.Facts))
	if err != nil {
		return err
	}
	AddRunState(s, confirmed)
	s.Recorded = s.Facts.AcceptClaims(s.Recorded, o.Choices.AcceptVolumes)
	return nil
}

// AddRunState takes from journals what matters to the checks, as far as Helm's records
// bear it out. A run that parked left everything settled, so that it excuses
// nothing.
func AddRunState(s *preflight.Subject, confirmed *journal.Confirmed) {
	last := journal.Unfinished(confirmed.Runs)
	s.Resuming = last != nil && last.Result() != "paused"
	if last != nil && s.Plan != nil {
		s.Recorded = s.Plan.Claims.Since(last.Claims)
	} else if last != nil {
		s.Recorded = last.Claims
	}
	all := s.Facts.Releases
	if s.Facts.Operator != nil {
		all = slices.Concat([]plan.InstalledRelease{*s.Facts.Operator}, all)
	}
	for _, r := range all {
		if confirmed.Owns(r.Key(), r.Revision) {
			s.OwnPending = append(s.OwnPending, r.Key())
		}
	}
}

// Confirmed reads the journals in the operator's namespace and keeps what the
// cluster bears out. It warns once of each that is contradicted.
func (o *TargetOptions) Confirmed(ctx context.Context, f *plan.Facts, ev journal.Evidence) (*journal.Confirmed, error) {
	client, err := o.Kube.NewClientset()
	if err != nil {
		return nil, err
	}
	all, err := journal.Read(ctx, client, JournalNamespace(f))
	if err != nil {
		return nil, err
	}
	c := all.Confirm(ev)
	if o.doubted == nil {
		o.doubted = map[string]bool{}
	}
	for _, d := range c.Doubts {
		if text := d.String(); !o.doubted[d.ConfigMap] {
			o.doubted[d.ConfigMap] = true
			term.PrintLine(o.ErrOut, "warning: %s", term.SanitizeText(text))
		}
	}
	return c, nil
}

// JournalNamespace is the namespace that holds journals and lease; empty where nothing says
// which it is.
func JournalNamespace(f *plan.Facts) string {
	switch {
	case f.Namespace != "":
		return f.Namespace
	case f.Operator != nil:
		return f.Operator.Namespace
	}
	return ""
}

// AdoptClaims takes the volume claims that a reviewed plan recorded in place of
// the present ones, but for those whose change was accepted. A plan file that
// lacks a claim was edited, or made before the claim was: a claim that nobody
// recorded cannot be told from one that took its place.
func (o *TargetOptions) AdoptClaims(t *Target, reviewed *plan.Plan) error {
	if missing := t.Plan.Claims.Missing(reviewed.Claims); missing != "" {
		return fmt.Errorf("it was edited, or it was made for another cluster state: %s is missing in the file", missing)
	}
	t.Plan.Claims = t.Inputs.Facts.AcceptClaims(t.Plan.Claims.Since(reviewed.Claims), o.Choices.AcceptVolumes)
	return nil
}

// CheckResumable demands that the plan at hand is what an interrupted upgrade left of
// the one that was reviewed.
func (o *TargetOptions) CheckResumable(ctx context.Context, t *Target, want *plan.Plan) error {
	f := t.Inputs.Facts
	if JournalNamespace(f) == "" {
		return upgrade.VerifyResumable(want, t.Plan, f, nil)
	}
	confirmed, err := o.Confirmed(ctx, f, journal.EvidenceOf(f))
	if err != nil {
		return err
	}
	return upgrade.VerifyResumable(want, t.Plan, f, confirmed.Runs)
}
