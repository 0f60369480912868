package upgrade

import (
	"context"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// drifted returns a [DriftError] if a fact that s relies on is no longer true
// and our own journal does not explain why. Facts of a kind this version can't
// look at are said to be unchecked, never silently taken as true.
func (e *Executor) drifted(ctx context.Context, s plan.Step) error {
	if s.Action == plan.ActionUnstick {
		// Its only fact is that the release is pending; if not, it is done.
		rel, err := e.release(ctx, s)
		if err != nil {
			return err
		}
		return e.atWork(s.Target, rel)
	}
	for _, fact := range s.Before {
		var err error
		switch fact.Object.Kind {
		case plan.KindRelease:
			err = e.releaseDrifted(ctx, s, fact)
		case "ClusterRoleBinding", "RoleBinding":
			err = e.bindingDrifted(ctx, s, fact)
		case "ObjectStore":
			err = e.storeDrifted(fact)
		default:
			e.say(s.ID, EventProgress, fmt.Sprintf("not checked: %s of %s", fact.Field, fact.Object))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Executor) releaseDrifted(ctx context.Context, s plan.Step, fact plan.Fact) error {
	key := fact.Object.Namespace + "/" + fact.Object.Name
	rel, err := e.release(ctx, plan.Step{Target: key})
	if err != nil {
		return err
	}
	if e.journal.OwnsRevision(key, rel.record()) {
		return nil
	}
	var now string
	switch fact.Field {
	case plan.FieldChart:
		now = rel.Chart + "-" + rel.Version
	case plan.FieldRevision:
		now = fmt.Sprint(rel.Revision)
	case plan.FieldStatus:
		now = rel.Status
	default:
		e.say(s.ID, EventProgress, fmt.Sprintf("not checked: %s of %s", fact.Field, fact.Object))
		return nil
	}
	return compare(fact, now)
}

// bindingDrifted takes an absent binding, and one that has its new role
// already, for what it is: less to do.
func (e *Executor) bindingDrifted(ctx context.Context, s plan.Step, fact plan.Fact) error {
	live, err := e.object(ctx, fact.Object)
	if err != nil || live == nil || roleOf(live) == newRole(e, s, fact.Object) {
		return err
	}
	return compare(fact, roleOf(live))
}

func (e *Executor) storeDrifted(fact plan.Fact) error {
	f := e.live.Snapshot()
	s := store(f, fact.Object.Namespace+"/"+fact.Object.Name)
	if s == nil {
		if why := unseen(f, "objectstores in "+fact.Object.Namespace); why != "" {
			return fmt.Errorf("looking at %s: %s", fact.Object, why)
		}
		return &DriftError{Object: fact.Object.String(), Field: "presence", Expected: "there", Received: "not there"}
	}
	switch strings.ToLower(fact.Field) {
	case "image", ".spec.image", "spec.image":
		return compare(fact, s.Image.String())
	case "uid":
		return compare(fact, s.UID)
	case "health":
		return compare(fact, s.Health)
	}
	return nil
}

func compare(fact plan.Fact, now string) error {
	if now == fact.Value {
		return nil
	}
	return &DriftError{Object: fact.Object.String(), Field: fact.Field, Expected: fact.Value, Received: now}
}
