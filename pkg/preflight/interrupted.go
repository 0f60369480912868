package preflight

import (
	"context"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// warnIfInterrupted lets a check warn where its failure may be what an upgrade left
// that was interrupted: resuming fixes it.
func warnIfInterrupted(c Check) Check {
	run := c.Run
	c.FailsWhen += "; a warning if an interrupted upgrade may be the cause"
	c.Run = func(ctx context.Context, s *Subject) Result {
		r := run(ctx, s)
		why := interruptedReason(s)
		if r.Status != Fail || why == "" {
			return r
		}
		r.Status = Warn
		r.Message += ": " + why
		// First, because not all details are shown to people.
		r.Details = append([]string{why}, r.Details...)
		return r
	}
	return c
}

// interruptedReason says what may have left this installation half upgraded, or nothing.
func interruptedReason(s *Subject) string {
	if s.Plan != nil && s.Plan.Kind == plan.KindRollback {
		return "the rollback may fix it"
	}
	if s.Resuming {
		return "left by the interrupted upgrade, which is resumed"
	}
	op := s.Facts.Operator
	if op != nil && (op.Status == "failed" || isPending(*op)) && changesRelease(s, op.Key()) {
		return "left by an interrupted Helm operation; this upgrade applies it again"
	}
	return ""
}

func isPending(r plan.InstalledRelease) bool { return strings.HasPrefix(r.Status, "pending") }
