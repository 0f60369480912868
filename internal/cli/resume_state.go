package cli

import (
	"context"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// addResumeState tells the checks what an earlier upgrade left. An error means that
// nothing is known of any, not that there was none.
func (o *targetOptions) addResumeState(ctx context.Context, s *preflight.Subject) error {
	if journalNamespace(s.Facts) == "" {
		return nil
	}
	confirmed, err := o.confirmed(ctx, s.Facts, journal.EvidenceOf(s.Facts))
	if err != nil {
		return err
	}
	addRunState(s, confirmed)
	s.Recorded = s.Facts.AcceptClaims(s.Recorded, o.choices.AcceptVolumes)
	return nil
}

// addRunState takes from journals what matters to the checks, as far as Helm's records
// bear it out. A run that parked left everything settled, so that it excuses
// nothing.
func addRunState(s *preflight.Subject, confirmed *journal.Confirmed) {
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

// interruptedError says that the user interrupted what changes nothing.
type interruptedError struct{ cause error }

// Error implements error.
func (e *interruptedError) Error() string { return "interrupted" }

// Unwrap is what ended the context.
func (e *interruptedError) Unwrap() error { return e.cause }

// interruptionError is the error of a context that ended; nil while it has not.
func interruptionError(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &interruptedError{err}
	}
	return nil
}
