package preflight

import (
	"context"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// resumable lets a check warn where its failure may be what an upgrade left
// that stopped half way: going on is then the cure.
func resumable(c Check) Check {
	run := c.Run
	c.Fails += "; a warning where an interrupted upgrade may have left it"
	c.Run = func(ctx context.Context, s *Subject) Result {
		r := run(ctx, s)
		why := halfWay(s)
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

// halfWay says what may have left this installation half upgraded, or nothing.
func halfWay(s *Subject) string {
	if s.Plan != nil && s.Plan.Kind == plan.KindRollback {
		return "going back may be the cure"
	}
	if s.Resuming {
		return "left by the interrupted upgrade, which goes on"
	}
	op := s.Facts.Operator
	if op != nil && (op.Status == "failed" || pending(*op)) && changes(s, op.Key()) {
		return "left by a Helm that stopped half way, which this upgrade goes over again"
	}
	return ""
}

func pending(r plan.Release) bool { return strings.HasPrefix(r.Status, "pending") }
