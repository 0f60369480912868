package upgrade

import (
	"context"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var _ = register(action{
	ID: plan.ActionPreflight,
	Done: func(e *Executor, _ context.Context, _ plan.Step) (bool, string, error) {
		return e.nothingToChange || e.opts.Preflight == nil, "nothing to check", nil
	},
	Apply: func(e *Executor, ctx, _ context.Context, _ plan.Step) (string, error) {
		return "", e.opts.Preflight(ctx)
	},
})
