package upgrade

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// restoreBindings creates deleted bindings again after the step that should have made
// them failed. What already exists was made by that step and is left.
// Without the lease nothing is restored: whoever holds it now may be about to
// create the same bindings.
//
// Which bindings an earlier attempt deleted is read from journals, which anybody
// may have written: only a binding whose name, role and subjects stand in the
// manifest of the release's deployed revision is created, and as it stands there.
func (e *Executor) restoreBindings(ctx context.Context, g []plan.Step) {
	last := g[len(g)-1]
	if !e.deletedBindings(g) {
		return
	}
	rel, err := e.getRelease(ctx, last)
	if err == nil && e.hasReachedTarget(last, rel) {
		return
	}
	if err == nil {
		err = e.mayWrite(ctx)
	}
	var installed []images.Object
	if err == nil {
		installed, err = e.installedBindings(ctx, last)
	}
	if err != nil {
		e.emitMessage(last.ID, EventAlarm, message.Sprintf("deleted bindings were not restored: %v\nhint: they are saved in ConfigMap/%s/%s",
			err, e.namespace, e.journal.Name()))
		return
	}
	for _, o := range e.journal.Orphans {
		e.restoreBinding(ctx, last, o, installed)
	}
	for _, s := range g {
		if s.Action != plan.ActionRecreateBindings {
			continue
		}
		rec := e.journal.Step(s.ID)
		for _, o := range rec.Saved {
			e.restoreBinding(ctx, last, o, installed)
		}
		rec.Status, rec.Message = journal.StepPending, "reverted: the next step failed"
		if err := e.save(ctx); err != nil {
			e.emitMessage(s.ID, EventAlarm, err.Error())
		}
	}
}

// deletedBindings reports whether a journal says that bindings were deleted which
// the steps of a group should have made again.
func (e *Executor) deletedBindings(g []plan.Step) bool {
	return len(e.journal.Orphans) > 0 || slices.ContainsFunc(g, func(s plan.Step) bool {
		return s.Action == plan.ActionRecreateBindings && len(e.journal.Step(s.ID).Saved) > 0
	})
}

// restoreBinding creates one binding that a journal names: as this process saw
// it before it deleted it, or as the release's manifest has it. One that is there
// already is left, and told of where it is neither that nor the step's own.
func (e *Executor) restoreBinding(ctx context.Context, s plan.Step, saved images.Object, installed []images.Object) {
	key := plan.KeyOf(saved, "")
	again := e.deleted[key]
	if again == nil {
		again = installedAs(installed, saved)
	}
	live, err := e.getBinding(ctx, key)
	if err == nil && live != nil && (again == nil || roleRefOf(live) == nextRoleRef(e, s, key) || sameBinding(live, again)) {
		return
	}
	switch {
	case err != nil:
	case live != nil:
		err = foreignBinding(live, again)
	case again == nil:
		namespace, name, _ := strings.Cut(s.Target, "/")
		err = message.Errorf("a journal contains it, but the manifest of release %s has no binding with this name, role and subjects\nhint: helm get manifest %s -n %s", s.Target, name, namespace)
	default:
		err = e.createBinding(ctx, again)
	}
	if err != nil {
		e.emitMessage(s.ID, EventAlarm, message.Sprintf("%s is not restored: %w", key, err))
		return
	}
	e.emitMessage(s.ID, EventProgress, key.String()+" is restored as it was")
}

// createBinding creates a binding. One that is there by then is ours only if it is
// what was to be created: an answer of the API server may have been lost.
func (e *Executor) createBinding(ctx context.Context, again images.Object) error {
	err := e.write(ctx, func(ctx context.Context) error { return e.deps.Bindings.Create(ctx, withoutServerFields(again)) })
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	live, lookErr := e.getBinding(ctx, plan.KeyOf(again, ""))
	switch {
	case lookErr != nil:
		return lookErr
	case live == nil:
		return err
	case sameBinding(live, again):
		return nil
	}
	return foreignBinding(live, again)
}

// sameBinding reports whether two bindings give the same role to the same subjects.
func sameBinding(a, b images.Object) bool {
	return roleRefOf(a) == roleRefOf(b) && slices.Equal(subjectsOf(a), subjectsOf(b))
}

// foreignBinding is the error of a binding that another client created.
func foreignBinding(live, wanted images.Object) error {
	text := func(o images.Object) string { return roleRefOf(o) + " for " + strings.Join(subjectsOf(o), ", ") }
	return message.Errorf("somebody else has created it\nreceived: %s\nexpected: %s", text(live), text(wanted))
}

// installedBindings are the bindings of the deployed revision of a step's
// release, as Helm applied them.
func (e *Executor) installedBindings(ctx context.Context, s plan.Step) ([]images.Object, error) {
	namespace, name, _ := strings.Cut(s.Target, "/")
	var manifest string
	err := retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) (err error) {
		manifest, err = e.deps.Helm.Deployed(ctx, namespace, name)
		return err
	})
	if err != nil {
		return nil, wrapError(err, "reading the manifest of release", s.Target)
	}
	objects, unreadable := images.ParseReleaseManifest(manifest)
	if unreadable > 0 && len(objects) == 0 {
		return nil, wrapError(errors.New("it cannot be parsed"), "reading the manifest of release", s.Target)
	}
	var list []images.Object
	for _, o := range objects {
		switch plan.KeyOf(o, namespace).Kind {
		case "ClusterRoleBinding", "RoleBinding":
			list = append(list, ownedBy(o, namespace, name))
		}
	}
	return list, nil
}

// ownedBy is o as Helm applies it, so that the release continues owning it.
func ownedBy(o images.Object, namespace, name string) images.Object {
	o = maps.Clone(o)
	metadata, _ := o["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	set := func(field string, pairs map[string]any) {
		m, _ := metadata[field].(map[string]any)
		if m = maps.Clone(m); m == nil {
			m = map[string]any{}
		}
		maps.Copy(m, pairs)
		metadata[field] = m
	}
	set("labels", map[string]any{"app.kubernetes.io/managed-by": "Helm"})
	set("annotations", map[string]any{"meta.helm.sh/release-name": name, "meta.helm.sh/release-namespace": namespace})
	if o["kind"] == "RoleBinding" && metadata["namespace"] == nil {
		metadata["namespace"] = namespace
	}
	o["metadata"] = metadata
	return o
}

// installedAs is the binding among installed with the name, role and subjects of
// saved, or nil.
func installedAs(installed []images.Object, saved images.Object) images.Object {
	key := plan.KeyOf(saved, "")
	for _, o := range installed {
		if readiness.WithoutVersion(plan.KeyOf(o, "")) == readiness.WithoutVersion(key) && sameBinding(o, saved) {
			return o
		}
	}
	return nil
}

// subjectsOf are a binding's subjects, sorted, with the defaults that the API
// server gives.
func subjectsOf(o images.Object) []string {
	list, _ := images.NestedValue(o, "subjects").([]any)
	var out []string
	for _, v := range list {
		s, _ := v.(map[string]any)
		text := func(field string) string { t, _ := s[field].(string); return t }
		group := text("apiGroup")
		if group == "" && text("kind") != "ServiceAccount" {
			group = "rbac.authorization.k8s.io"
		}
		out = append(out, fmt.Sprintf("%q %q %q %q", text("kind"), group, text("namespace"), text("name")))
	}
	slices.Sort(out)
	return out
}
