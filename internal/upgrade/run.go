package upgrade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// groupSteps groups steps that must not be separated: from the deletion
// of bindings to the end of the operator step that brings them back, the
// operator has no rights.
func groupSteps(steps []plan.Step) [][]plan.Step {
	var out [][]plan.Step
	open := false
	for _, s := range steps {
		if open {
			out[len(out)-1] = append(out[len(out)-1], s)
		} else {
			out = append(out, []plan.Step{s})
		}
		open = actionOf(s).Inseparable != "" || open && !s.Action.ChangesRelease()
	}
	return out
}

// runSteps runs all groups in order.
func (e *Executor) runSteps(ctx context.Context) error {
	for _, g := range groupSteps(e.plan.Steps) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := e.runGroup(ctx, g); err != nil {
			return err
		}
		for _, s := range g {
			if s.ID == e.opts.StopAfter && len(e.stepIDs(false)) > 0 {
				e.pauseReason = fmt.Sprintf("stopped after %q as requested", s.ID)
				return nil
			}
		}
	}
	return nil
}

// checkMayStart holds the rest of a group back if it would not end in time, and
// after an alarm what restarts stores. Validation is never held back: it
// changes nothing.
func (e *Executor) checkMayStart(g []plan.Step) error {
	if !e.opts.Deadline.IsZero() && !actionOf(g[0]).IgnoresDeadline {
		var estimate time.Duration
		for _, s := range g {
			estimate += time.Duration(s.Estimate)
		}
		if end := e.opts.Now().Add(estimate); end.After(e.opts.Deadline) {
			return fmt.Errorf("%w: expected duration %s, deadline %s",
				ErrDeadline, estimate, e.opts.Deadline.UTC().Format(time.RFC3339))
		}
	}
	restarts := slices.ContainsFunc(g, func(s plan.Step) bool {
		return s.Store != "" || s.Action.ChangesRelease() && len(s.Restarts) > 0
	})
	if e.alarm != "" && restarts {
		return errors.New("no further store is upgraded: " + e.alarm)
	}
	return nil
}

// runGroup runs the steps of one group. Once the first of several has begun,
// an interruption no longer keeps the next one from starting.
func (e *Executor) runGroup(ctx context.Context, g []plan.Step) error {
	for i, s := range g {
		if err := e.runStep(ctx, s, g[i:], i > 0); err != nil {
			if revert := actionOf(g[len(g)-1]).Revert; revert != nil {
				revert(e, context.WithoutCancel(ctx), g)
			}
			return &stepError{s.ID, err}
		}
	}
	return nil
}

// stepError says where a cause lies, until conclude makes it a StoppedError.
type stepError struct {
	step  string
	cause error
}

func (e *stepError) Error() string { return e.cause.Error() }

func (e *stepError) Unwrap() error { return e.cause }

// runStep skips a step that is done, and otherwise carries it out between two
// entries in the journal. begun says that the first step of its group has
// changed the cluster. Until then, what is only read ends with ctx.
func (e *Executor) runStep(ctx context.Context, s plan.Step, rest []plan.Step, begun bool) error {
	reading := ctx
	if begun {
		reading = context.WithoutCancel(ctx)
	}
	rec := e.journal.Step(s.ID)
	done, why, err := actionOf(s).Done(e, reading, s)
	if err == nil && done {
		return e.skipStep(ctx, rec, why)
	}
	if err == nil {
		err = e.checkBeforeStep(reading, s, rest)
	}
	if err != nil {
		return interruptedBy(reading, err)
	}
	rec.Status, rec.Message, rec.Started, rec.Ended = journal.StepStarted, "", e.opts.Now(), time.Time{}
	rec.Attempt++
	if err := e.save(reading); err != nil {
		return err
	}
	e.emitMessage(s.ID, EventStarted, s.Title)
	message, err := actionOf(s).Apply(e, ctx, reading, s)
	if actionOf(s).Mutates {
		err = cutShort(reading, err)
	} else {
		err = interruptedBy(ctx, err)
	}
	return e.finishStep(ctx, rec, message, err)
}

// checkBeforeStep checks what may forbid a step, right before it.
func (e *Executor) checkBeforeStep(ctx context.Context, s plan.Step, rest []plan.Step) error {
	if err := e.checkMayStart(rest); err != nil {
		return err
	}
	if err := e.mayWrite(ctx); err != nil {
		return err
	}
	if !actionOf(s).Mutates {
		return nil
	}
	if err := e.checkStepDrift(ctx, s); err != nil {
		return err
	}
	if err := e.checkKES(rest); err != nil {
		return err
	}
	return e.lookAnew(ctx, s)
}

func (e *Executor) skipStep(ctx context.Context, rec *journal.StepRecord, why string) error {
	if !rec.Status.Over() {
		rec.Status, rec.Message, rec.Ended = journal.StepSkipped, why, e.opts.Now()
		if err := e.save(ctx); err != nil {
			return err
		}
	}
	e.emitMessage(rec.ID, EventSkipped, why)
	return nil
}

// finishStep records the end of a step; the step's own error comes before the
// journal's.
func (e *Executor) finishStep(ctx context.Context, rec *journal.StepRecord, text string, err error) error {
	if lost := e.lease.Err(); lost != nil {
		e.emitMessage(rec.ID, EventFailed, "the lease was lost")
		return lost
	}
	rec.Ended = e.opts.Now()
	rec.Status, rec.Message = journal.StepDone, e.secrets.Text(text)
	kind := EventDone
	if err != nil {
		rec.Status, rec.Message, kind = journal.StepFailed, e.secrets.Text(message.Text(err)), EventFailed
		text = message.Text(err)
		if isInterrupted(ctx, err) {
			rec.Status, rec.Message, text = journal.StepInterrupted, "", "interrupted"
		}
	}
	e.emitMessage(rec.ID, kind, text)
	e.recordObservations()
	if saved := e.save(ctx); err == nil {
		return saved
	}
	return err
}

// isInterrupted reports whether err is only ctx's end showing.
func isInterrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}
