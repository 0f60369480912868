package upgrade

import (
	"context"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var _ = register(action{
	ID: plan.ActionPush,
	Done: func(e *Executor, _ context.Context, _ plan.Step) (bool, string, error) {
		return e.nothingToChange || e.opts.Push == nil, "nothing to push", nil
	},
	Apply: func(e *Executor, ctx, _ context.Context, _ plan.Step) (string, error) { return "", e.opts.Push(ctx) },
})
