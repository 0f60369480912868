package upgrade

import (
	"context"
	"slices"

	"github.com/aistor-upgrade/aistor-upgrade/internal/words"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// following is the release step that a mend step prepares.
func (e *Executor) following(s plan.Step) (plan.Step, bool) {
	from := slices.IndexFunc(e.plan.Steps, func(o plan.Step) bool { return o.ID == s.ID })
	i := slices.IndexFunc(e.plan.Steps[from:], func(o plan.Step) bool { return o.Action == plan.ActionOperator && o.Target == s.Target })
	if i < 0 {
		return plan.Step{}, false
	}
	return e.plan.Steps[from+i], true
}

// mended reports whether no binding is left that the step has to delete.
func (e *Executor) mended(ctx context.Context, s plan.Step) (bool, string, error) {
	if next, ok := e.following(s); ok {
		rel, err := e.release(ctx, next)
		if err != nil {
			return false, "", err
		}
		if e.reached(next, rel) {
			return true, "the release is beyond this step", nil
		}
	}
	for _, key := range s.Objects {
		live, err := e.object(ctx, key)
		if err != nil {
			return false, "", err
		}
		if live != nil && roleOf(live) != newRole(e, s, key) {
			return false, "", nil
		}
	}
	return true, "no binding has its old role", nil
}

// newRole is the role that the following step gives a binding, or empty.
func newRole(e *Executor, s plan.Step, key plan.ObjectKey) string {
	next, ok := e.following(s)
	if !ok {
		return ""
	}
	c, err := changeOf(e.in, next)
	if err != nil {
		return ""
	}
	for _, o := range c.After {
		if k := plan.KeyOf(o, c.Namespace); bareKey(k) == bareKey(key) {
			return roleOf(o)
		}
	}
	return ""
}

// mend deletes exactly the bindings the step names. What it deletes is in the
// journal before it is gone, so that whoever comes next can bring it back. ctx
// ends what comes before that.
func (e *Executor) mend(ctx context.Context, s plan.Step) (string, error) {
	rec := e.journal.Step(s.ID)
	saved := slices.Clone(rec.Saved)
	var doomed []images.Object
	for _, key := range s.Objects {
		live, err := e.object(ctx, key)
		if err != nil {
			return "", err
		}
		if live == nil || roleOf(live) == newRole(e, s, key) {
			continue
		}
		doomed = append(doomed, live)
		rec.Save(bare(live))
	}
	if err := e.announce(ctx, rec); err != nil {
		rec.Saved = saved
		return "", err
	}
	ctx = context.WithoutCancel(ctx) // from here on the operator is without rights
	for _, o := range doomed {
		key := plan.KeyOf(o, "")
		uid, _ := images.At(o, "metadata", "uid").(string)
		version, _ := images.At(o, "metadata", "resourceVersion").(string)
		e.deleted[key] = o
		err := e.write(ctx, func(ctx context.Context) error { return e.deps.Objects.Delete(ctx, key, uid, version) })
		if err != nil {
			return "", err
		}
	}
	return words.Count(len(doomed), "binding") + " deleted", nil
}

// object looks at one binding, patiently.
func (e *Executor) object(ctx context.Context, key plan.ObjectKey) (o images.Object, err error) {
	err = patiently(ctx, e.opts.Patience, func(ctx context.Context) (err error) {
		o, err = e.deps.Objects.Get(ctx, key)
		return err
	})
	return o, err
}

// roleOf is kind/name of a binding's role.
func roleOf(o images.Object) string {
	kind, _ := images.At(o, "roleRef", "kind").(string)
	name, _ := images.At(o, "roleRef", "name").(string)
	return kind + "/" + name
}
