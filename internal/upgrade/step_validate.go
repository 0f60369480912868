package upgrade

import (
	"context"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// A validation is never held back: it changes nothing.
var _ = register(action{
	ID: plan.ActionValidate, IgnoresDeadline: true,
	Done: func(e *Executor, _ context.Context, _ plan.Step) (bool, string, error) {
		return e.opts.Validate == nil, "not requested", nil
	},
	Apply: func(e *Executor, ctx, _ context.Context, _ plan.Step) (string, error) {
		summary, err := e.opts.Validate(ctx)
		e.validation = e.secrets.Text(summary)
		return summary, err
	},
})
