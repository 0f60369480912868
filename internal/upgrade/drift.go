package upgrade

import (
	"context"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// checkStepDrift returns a [DriftError] if a fact that s relies on is no longer true
// and our own journal does not explain why. Facts of a kind this version cannot
// check are reported as unchecked, never silently taken as true.
func (e *Executor) checkStepDrift(ctx context.Context, s plan.Step) error {
	if check := actionOf(s).CheckDrift; check != nil {
		return check(e, ctx, s)
	}
	for _, fact := range s.Before {
		var err error
		switch fact.Object.Kind {
		case plan.KindRelease:
			err = e.checkReleaseDrift(ctx, s, fact)
		case "ClusterRoleBinding", "RoleBinding":
			err = e.checkBindingDrift(ctx, s, fact)
		case "ObjectStore":
			err = e.checkStoreDrift(fact)
		default:
			e.emitMessage(s.ID, EventProgress, fmt.Sprintf("not checked: %s of %s", fact.Field, fact.Object))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Executor) checkReleaseDrift(ctx context.Context, s plan.Step, fact plan.Fact) error {
	key := fact.Object.Namespace + "/" + fact.Object.Name
	rel, err := e.getRelease(ctx, plan.Step{Target: key})
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
		e.emitMessage(s.ID, EventProgress, fmt.Sprintf("not checked: %s of %s", fact.Field, fact.Object))
		return nil
	}
	return compareFact(fact, now)
}

// checkBindingDrift takes an absent binding, and one that has its new role
// already, for what it is: less to do.
func (e *Executor) checkBindingDrift(ctx context.Context, s plan.Step, fact plan.Fact) error {
	live, err := e.getBinding(ctx, fact.Object)
	if err != nil || live == nil || roleRefOf(live) == nextRoleRef(e, s, fact.Object) {
		return err
	}
	return compareFact(fact, roleRefOf(live))
}

func (e *Executor) checkStoreDrift(fact plan.Fact) error {
	f := e.watch.Snapshot()
	s := f.Store(fact.Object.Namespace + "/" + fact.Object.Name)
	if s == nil {
		if why := readiness.GapReason(f, "objectstores in "+fact.Object.Namespace); why != "" {
			return fmt.Errorf("reading %s: %s", fact.Object, why)
		}
		return &DriftError{Object: fact.Object.String(), Field: "presence", Expected: "there", Received: "not there"}
	}
	switch strings.ToLower(fact.Field) {
	case "image", ".spec.image", "spec.image":
		return compareFact(fact, s.Image.String())
	case "uid":
		return compareFact(fact, s.UID)
	case "health":
		return compareFact(fact, s.Health)
	}
	return nil
}

func compareFact(fact plan.Fact, now string) error {
	if now == fact.Value {
		return nil
	}
	return &DriftError{Object: fact.Object.String(), Field: fact.Field, Expected: fact.Value, Received: now}
}
