package cli

import (
	"context"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// resuming tells the checks what an earlier upgrade left. An error means that
// nothing is known of any, not that there was none.
func (o *targetOptions) resuming(ctx context.Context, s *preflight.Subject) error {
	if home(s.Facts) == "" {
		return nil
	}
	confirmed, err := o.confirmed(ctx, s.Facts, journal.EvidenceOf(s.Facts))
	if err != nil {
		return err
	}
	resume(s, confirmed)
	s.Recorded = s.Facts.AcceptClaims(s.Recorded, o.choices.AcceptVolumes)
	return nil
}

// resume takes from journals what matters to the checks, as far as Helm's records
// bear it out. A run that parked left everything settled, so that it excuses
// nothing.
func resume(s *preflight.Subject, confirmed *journal.Confirmed) {
	last := journal.Unfinished(confirmed.Runs)
	s.Resuming = last != nil && last.Result() != "parked"
	if last != nil && s.Plan != nil {
		s.Recorded = s.Plan.Claims.Since(last.Claims)
	} else if last != nil {
		s.Recorded = last.Claims
	}
	all := s.Facts.Releases
	if s.Facts.Operator != nil {
		all = slices.Concat([]plan.Release{*s.Facts.Operator}, all)
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

// interruption is the error of a context that ended; nil while it has not.
func interruption(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return &interruptedError{err}
	}
	return nil
}
