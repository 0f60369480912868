package upgrade

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// A new kind of step is one file with one value like this: nothing of the
// executor is changed for it.
var _ = register(action{
	ID: "label-namespace", Mutates: true,
	Done: func(e *Executor, _ context.Context, s plan.Step) (bool, string, error) {
		return strings.Contains(e.journal.Step(s.ID).Message, "labelled"), "the namespace is labelled", nil
	},
	Apply: func(e *Executor, _, reading context.Context, s plan.Step) (string, error) {
		if err := e.announce(reading, e.journal.Step(s.ID)); err != nil {
			return "", err
		}
		return "labelled " + s.Target, nil
	},
})

func TestAnActionOfOneFileIsRunRecordedAndResumed(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		extra := plan.Step{ID: "label-aistor", Action: "label-namespace", Title: "label the namespace", Target: "aistor"}
		attempt := func() (*Outcome, []string) {
			x := w.newAttempt(t, "me")
			x.plan.Steps = slices.Insert(x.plan.Steps, 3, extra)
			out, err := x.runAttempt(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return out, x.told.order
		}
		out, order := attempt()
		if diff := cmp.Diff([]string{"backup", "push", "preflight", extra.ID, "recreate-bindings-5.10.0"}, order[:5]); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if got := out.Steps[3]; got.Status != journal.StepDone || got.Message != "labelled aistor" {
			t.Errorf("outcome: %+v", got)
		}
		if _, again := attempt(); slices.Contains(again, extra.ID) {
			t.Errorf("a step that was done was run again: %v", again)
		}
	})
}

func TestAPlanWithAnUnknownActionChangesNothing(t *testing.T) {
	runInBubble(t, func(t *testing.T, w *fakeCluster) {
		x := w.newAttempt(t, "me")
		x.plan.Steps = append(x.plan.Steps, plan.Step{ID: "defragment", Action: "defragment"})
		_, err := x.runAttempt(t.Context())
		if err == nil || !strings.Contains(err.Error(), "expected: an action known to this version") || len(x.told.order) > 0 {
			t.Errorf("started %v: %v", x.told.order, err)
		}
	})
}

func TestEveryActionCanBeRun(t *testing.T) {
	t.Parallel()
	for id, a := range actions {
		if id == "" || a.Done == nil || a.Apply == nil {
			t.Errorf("action %q lacks Done or Apply", id)
		}
	}
}
