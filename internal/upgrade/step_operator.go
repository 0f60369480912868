package upgrade

import "github.com/aistor-upgrade/aistor-upgrade/pkg/plan"

var _ = register(action{
	ID: plan.ActionOperator, Mutates: true,
	Done:   (*Executor).isReleaseDone,
	Apply:  (*Executor).changeRelease,
	Revert: (*Executor).restoreBindings,
})
