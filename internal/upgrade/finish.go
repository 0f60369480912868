package upgrade

import (
	"cmp"
	"context"
	"errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shellquote"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// finishAttempt converts the end of the attempt into outcome and error, and writes
// the end into the journal.
func (e *Executor) finishAttempt(ctx context.Context, err error) (*Outcome, error) {
	if e.watch != nil {
		e.tracker.recordSnapshot(e.watch.Snapshot())
	}
	e.tracker.stopProbes()
	if err != nil {
		e.learnWhetherLost(ctx)
	}
	result, final := "done", e.typedError(ctx, err)
	switch {
	case e.pauseReason != "":
		result = "paused"
	case final == nil:
	case errors.As(final, new(*InterruptedError)):
		result = "interrupted"
	default:
		result = "stopped"
	}
	if lost := e.lease.Err(); lost != nil && final == nil {
		final = e.typedError(ctx, lost) // whatever was done, another run may have changed it since
	}
	if last := e.journal.Current(); last != nil && e.facts != nil && e.lease.Err() == nil {
		last.Ended, last.Result = e.opts.Now(), result
		if final != nil {
			last.Message = e.secrets.Text(message.Text(final))
		}
		e.recordObservations()
		if saved := e.save(ctx); saved != nil {
			e.emitMessage("", EventAlarm, saved.Error())
			if final == nil {
				final = e.typedError(ctx, saved)
			}
		}
	}
	return e.buildOutcome(), final
}

// learnWhetherLost asks once more whether the lease is still held. A run that was
// held up may fail by a time-out that ended meanwhile, before it asked again: what
// matters to its user is that another run has taken over.
func (e *Executor) learnWhetherLost(ctx context.Context) {
	if e.lease.Err() != nil {
		return
	}
	ctx, cancel := untilInterrupted(ctx)
	defer cancel()
	_ = e.lease.Verify(ctx) // where nobody answers, nobody knows
}

// typedError gives an error its exported type.
func (e *Executor) typedError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	step := ""
	if se, ok := errors.AsType[*stepError](err); ok {
		step, err = se.step, se.cause
	}
	changed := e.journal.Changed()
	if lost := e.lease.Err(); lost != nil {
		return &StoppedError{
			Step: step, Changed: changed, Rollback: e.isRollback(), Cause: lost, Next: shellquote.Command("kubectl aistor-upgrade status -n %s", e.namespace),
		}
	}
	if isInterrupted(ctx, err) {
		return &InterruptedError{Changed: changed, Rollback: e.isRollback(), Done: e.stepIDs(true), Remaining: e.stepIDs(false), Next: e.opts.ResumeCommand}
	}
	return &StoppedError{
		Step: step, Changed: changed, Rollback: e.isRollback(), UndoResult: e.secrets.Text(e.undoResult),
		Cause: e.secrets.Error(err), Next: e.nextCommand(err), Evidence: e.evidence,
	}
}

// isRollback reports whether this run goes back.
func (e *Executor) isRollback() bool { return e.plan.Kind == plan.KindRollback }

// nextCommand is the command to type after err: after drift the plan is out of date,
// otherwise rerunning the same command resumes.
func (e *Executor) nextCommand(err error) string {
	if drifted := errors.As(err, new(*DriftError)) || errors.As(err, new(*CredentialError)); drifted && !e.isRollback() {
		return cmp.Or(e.opts.ReplanCommand, "create a new plan with: helm aistor plan")
	}
	if deletion, ok := errors.AsType[*DeletionError](err); ok {
		return deletion.hint()
	}
	if removal, ok := errors.AsType[*RemovalError](err); ok {
		return removal.hint() + "\nthen: " + e.opts.ResumeCommand
	}
	if webhook, ok := errors.AsType[*WebhookError](err); ok {
		return webhook.hintPrefix() + e.opts.ResumeCommand
	}
	return e.opts.ResumeCommand
}

// stepIDs are the steps that are over, or those that are not.
func (e *Executor) stepIDs(over bool) []string {
	var ids []string
	for _, s := range e.plan.Steps {
		if r := e.journal.Step(s.ID); (r != nil && r.Status.Over()) == over {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func (e *Executor) buildOutcome() *Outcome {
	o := &Outcome{
		Plan: e.digest, Changed: e.journal.Changed(), Remaining: e.stepIDs(false), PauseReason: e.pauseReason,
		Backup: cmp.Or(e.journal.FirstBackup, e.backup), Validation: e.validation, UndoResult: e.secrets.Text(e.undoResult), Attempts: e.journal.Attempts,
		Availability: e.mergedAvailability(), Pods: mergeTimelines(e.earlierPods, e.tracker.timelines()), Earlier: journal.Lineage(e.journal.Found(), e.journal.Run), Ended: e.opts.Now(),
	}
	for i := len(o.Earlier) - 1; i >= 0; i-- {
		o.Availability = mergeAvailability(o.Earlier[i].Availability, o.Availability)
		o.Pods = mergeTimelines(o.Earlier[i].Pods, o.Pods)
	}
	if e.backup != "" && e.backup != o.Backup {
		o.Backups = []string{o.Backup, e.backup}
	}
	if len(o.Attempts) > 0 {
		o.Started = o.Attempts[0].Started
	}
	for _, s := range e.plan.Steps {
		o.Steps = append(o.Steps, e.stepOutcome(s))
	}
	return o
}

func (e *Executor) stepOutcome(s plan.Step) StepOutcome {
	o := StepOutcome{ID: s.ID, Title: s.Title, Status: journal.StepPending}
	if r := e.journal.Step(s.ID); r != nil {
		o.Status, o.Started, o.Ended, o.Attempt, o.Message = r.Status, r.Started, r.Ended, r.Attempt, r.Message
	}
	return o
}
