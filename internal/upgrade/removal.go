package upgrade

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// removalLook is the time between two checks what a step removed.
	removalLook = 2 * time.Second
	// removedLimit is how many removed objects a journal records.
	removedLimit = 200
)

// RemovalError says that objects which a step removed are still there: something
// has to take their finalizers away first.
type RemovalError struct {
	After   time.Duration
	Objects []plan.MarkedObject
}

// Error has one line for each object.
func (e *RemovalError) Error() string { return strings.Join(e.Lines(), "\n") }

// Lines implements [message.Liner].
func (e *RemovalError) Lines() []string {
	lines := []string{fmt.Sprintf("what this step removed is not gone after %s; everything else is ready", e.After)}
	for _, o := range e.Objects {
		lines = append(lines, message.Line(markedText(o)))
	}
	return lines
}

// hint is the command that shows the first object, and what helps where nobody
// serves its finalizer any more.
func (e *RemovalError) hint() string {
	o := e.Objects[0]
	resource, in := strings.ToLower(o.Kind), ""
	if o.Namespace != "" {
		in = " " + shellquote.Command("-n %s", o.Namespace)
	}
	return shellquote.Command("kubectl get %s %s", resource, o.Name) + in + " -o yaml\nthen: where nothing serves the finalizer any more: " +
		shellquote.Command("kubectl patch %s %s", resource, o.Name) + in + ` --type=merge -p '{"metadata":{"finalizers":null}}'`
}

func markedText(o plan.MarkedObject) string {
	text := fmt.Sprintf("%s is marked for deletion since %s", o.ObjectKey, o.Terminating.UTC().Format(time.RFC3339))
	if len(o.Finalizers) > 0 {
		text += ", held by finalizer " + strings.Join(o.Finalizers, ", ")
	}
	return text
}

// removedObjects are those that Helm deletes with a change.
func removedObjects(c *plan.Change) []plan.ObjectKey {
	stays := map[plan.ObjectKey]bool{}
	for _, o := range c.After {
		stays[readiness.WithoutVersion(plan.KeyOf(o, c.Namespace))] = true
	}
	var list []plan.ObjectKey
	for _, o := range c.Before {
		k := plan.KeyOf(o, c.Namespace)
		if k.Kind == "" || stays[readiness.WithoutVersion(k)] || images.NestedString(o, "metadata", "annotations", "helm.sh/resource-policy") == "keep" {
			continue
		}
		list = append(list, k)
	}
	return list[:min(len(list), removedLimit)]
}

// removedBefore are the objects that steps of this and of earlier runs removed
// from a release, or from all where target is empty, and did not see the end of.
func (e *Executor) removedBefore(target string) []plan.ObjectKey {
	var list []plan.ObjectKey
	for _, r := range append([]journal.Run{e.journal.Run}, journal.Lineage(e.journal.Found(), e.journal.Run)...) {
		for _, s := range r.Steps {
			for _, k := range s.Removed {
				if (target == "" || s.Target == target) && !slices.Contains(list, k) {
					list = append(list, k)
				}
			}
		}
	}
	return list
}

// removedByUs reports whether an object is marked for deletion because a step
// removed it: its own wait says so. What data or servers hang on never counts.
func (e *Executor) removedByUs(d plan.Deletion) bool {
	return d.State == plan.DeletionMarked && len(d.Stores) == 0 && slices.ContainsFunc(e.removedBefore(""), func(k plan.ObjectKey) bool {
		return readiness.WithoutVersion(k) == readiness.WithoutVersion(d.Object) && k.Kind != "CustomResourceDefinition" && k.Kind != "Namespace"
	})
}

// awaitRemoval waits until what a step removed is gone: an object that a finalizer
// holds would make the next step refuse to begin.
func (e *Executor) awaitRemoval(ctx context.Context, s plan.Step) error {
	removed := e.removedBefore(s.Target)
	if len(removed) == 0 {
		return nil
	}
	began, told := e.opts.Now(), ""
	for {
		var marked []plan.MarkedObject
		err := retryWhileUnavailable(ctx, e.opts.RetryTimeout, func(ctx context.Context) (err error) {
			marked, err = e.deps.Cluster.Marked(ctx, removed)
			return err
		})
		switch {
		case err != nil:
			return fmt.Errorf("looking for what step %q removed: %w", s.ID, err)
		case len(marked) == 0:
			e.journal.Step(s.ID).Removed = nil
			return nil
		case e.opts.Now().Sub(began) >= e.opts.Timeout:
			return &RemovalError{After: e.opts.Timeout, Objects: marked}
		}
		var waiting []string
		for _, o := range marked {
			waiting = append(waiting, markedText(o))
		}
		if text := strings.Join(waiting, "\n"); text != told {
			told = text
			e.emitEvent(Event{Step: s.ID, Kind: EventWaiting, Waiting: waiting})
		}
		if err := e.waitForChange(ctx, nil, removalLook); err != nil {
			return err
		}
	}
}
