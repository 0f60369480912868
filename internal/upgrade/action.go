package upgrade

import (
	"context"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// action carries out the steps of one kind. The executor knows no kind of step
// beyond this. A function's ctx ends with an interruption.
type action struct {
	// ID is what plans call it.
	ID plan.Action
	// Mutates says that its steps change the cluster: their facts are checked
	// right before, and an interruption does not end what was begun.
	Mutates bool
	// Inseparable says what would be wrong between a step and the next one that
	// changes a release: no run stops there. Empty means nothing.
	Inseparable string
	// IgnoresDeadline says that a step may begin however late it is.
	IgnoresDeadline bool
	// LeftByKill says that a killed run makes such a step necessary, which the
	// plan that was reviewed then lacks.
	LeftByKill bool

	// Done observes whether a step has nothing left to do, and says why.
	Done func(e *Executor, ctx context.Context, s plan.Step) (done bool, why string, err error)
	// Apply carries a step out and returns a line for the report. It may be
	// repeated. reading ends what comes before the first change.
	Apply func(e *Executor, ctx, reading context.Context, s plan.Step) (string, error)
	// Revert takes back what steps before this one did for it when it or one of
	// them failed: group are those that no run separates, this one the last.
	// The default is nothing.
	Revert func(e *Executor, ctx context.Context, group []plan.Step)
	// CheckDrift refuses a step that the cluster no longer is as it relies on.
	// The default compares its facts.
	CheckDrift func(e *Executor, ctx context.Context, s plan.Step) error
}

// actions holds every action; each is registered in a file of its own, while the
// package is initialized.
var actions = map[plan.Action]action{}

func register(a action) action {
	actions[a.ID] = a
	return a
}

// actionOf is the action of a step. Plans with others are not run.
func actionOf(s plan.Step) action { return actions[s.Action] }
