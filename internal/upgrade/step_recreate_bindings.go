package upgrade

import (
	"context"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/plural"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

var _ = register(action{
	ID: plan.ActionRecreateBindings, Mutates: true,
	Inseparable: "the operator would lack permissions",
	Done:        (*Executor).areBindingsRecreated,
	Apply: func(e *Executor, _, reading context.Context, s plan.Step) (string, error) {
		return e.recreateBindings(reading, s)
	},
})

// nextOperatorStep is the operator step after a recreate-bindings step.
func (e *Executor) nextOperatorStep(s plan.Step) (plan.Step, bool) {
	from := slices.IndexFunc(e.plan.Steps, func(o plan.Step) bool { return o.ID == s.ID })
	i := slices.IndexFunc(e.plan.Steps[from:], func(o plan.Step) bool { return o.Action == plan.ActionOperator && o.Target == s.Target })
	if i < 0 {
		return plan.Step{}, false
	}
	return e.plan.Steps[from+i], true
}

// areBindingsRecreated reports whether no binding is left that the step has to delete.
func (e *Executor) areBindingsRecreated(ctx context.Context, s plan.Step) (bool, string, error) {
	if next, ok := e.nextOperatorStep(s); ok {
		rel, err := e.getRelease(ctx, next)
		if err != nil {
			return false, "", err
		}
		if e.hasReachedTarget(next, rel) {
			return true, "the release is already past this step", nil
		}
	}
	for _, key := range s.Objects {
		live, err := e.getBinding(ctx, key)
		if err != nil {
			return false, "", err
		}
		if live != nil && roleRefOf(live) != nextRoleRef(e, s, key) {
			return false, "", nil
		}
	}
	return true, "no binding has its old role", nil
}

// nextRoleRef is the role that the following step gives a binding, or empty.
func nextRoleRef(e *Executor, s plan.Step, key plan.ObjectKey) string {
	next, ok := e.nextOperatorStep(s)
	if !ok {
		return ""
	}
	c, err := changeOf(e.inputs, next)
	if err != nil {
		return ""
	}
	for _, o := range c.After {
		if k := plan.KeyOf(o, c.Namespace); readiness.WithoutVersion(k) == readiness.WithoutVersion(key) {
			return roleRefOf(o)
		}
	}
	return ""
}

// recreateBindings deletes exactly the bindings the step names. What it deletes is in the
// journal before it is deleted, so that a later run can restore it. ctx
// ends what comes before that.
func (e *Executor) recreateBindings(ctx context.Context, s plan.Step) (string, error) {
	rec := e.journal.Step(s.ID)
	saved := slices.Clone(rec.Saved)
	var doomed []images.Object
	for _, key := range s.Objects {
		live, err := e.getBinding(ctx, key)
		if err != nil {
			return "", err
		}
		if live == nil || roleRefOf(live) == nextRoleRef(e, s, key) {
			continue
		}
		doomed = append(doomed, live)
		rec.Save(withoutServerFields(live))
	}
	if err := e.announce(ctx, rec); err != nil {
		rec.Saved = saved
		return "", err
	}
	ctx = context.WithoutCancel(ctx) // from here on the operator is without rights
	for _, o := range doomed {
		key := plan.KeyOf(o, "")
		uid, _ := images.NestedValue(o, "metadata", "uid").(string)
		version, _ := images.NestedValue(o, "metadata", "resourceVersion").(string)
		e.deleted[key] = o
		err := e.write(ctx, func(ctx context.Context) error { return e.deps.Bindings.Delete(ctx, key, uid, version) })
		if err != nil {
			return "", err
		}
	}
	return plural.Count(len(doomed), "binding") + " deleted", nil
}

// getBinding reads one binding, with retries.
func (e *Executor) getBinding(ctx context.Context, key plan.ObjectKey) (o images.Object, err error) {
	err = retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) (err error) {
		o, err = e.deps.Bindings.Get(ctx, key)
		return err
	})
	return o, err
}

// roleRefOf is kind/name of a binding's role.
func roleRefOf(o images.Object) string {
	kind, _ := images.NestedValue(o, "roleRef", "kind").(string)
	name, _ := images.NestedValue(o, "roleRef", "name").(string)
	return kind + "/" + name
}
