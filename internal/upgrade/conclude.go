package upgrade

import (
	"context"
	"errors"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
	"github.com/aistor-upgrade/aistor-upgrade/internal/shell"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// conclude turns how the attempt ended into its outcome and error, and writes
// the end into the journal.
func (e *Executor) conclude(ctx context.Context, err error) (*Outcome, error) {
	if e.live != nil {
		e.tracker.observe(e.live.Snapshot())
	}
	e.tracker.stop()
	if err != nil {
		e.learnWhetherLost(ctx)
	}
	result, final := "done", e.verdict(ctx, err)
	switch {
	case e.parked != "":
		result = "parked"
	case final == nil:
	case errors.As(final, new(*InterruptedError)):
		result = "interrupted"
	default:
		result = "stopped"
	}
	if lost := e.lease.Err(); lost != nil && final == nil {
		final = e.verdict(ctx, lost) // whatever was done, another run may have changed it since
	}
	if last := e.journal.Current(); last != nil && e.facts != nil && e.lease.Err() == nil {
		last.Ended, last.Result = e.opts.Now(), result
		if final != nil {
			last.Message = e.secrets.Text(message.Text(final))
		}
		e.remember()
		if saved := e.save(ctx); saved != nil {
			e.say("", EventAlarm, saved.Error())
			if final == nil {
				final = e.verdict(ctx, saved)
			}
		}
	}
	return e.outcome(), final
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

// verdict gives an error its exported type.
func (e *Executor) verdict(ctx context.Context, err error) error {
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
			Step: step, Changed: changed, Back: e.back(), Cause: lost, Next: shell.Command("kubectl aistor-upgrade status -n %s", e.namespace),
		}
	}
	if interrupted(ctx, err) {
		return &InterruptedError{Changed: changed, Back: e.back(), Done: e.ids(true), Remaining: e.ids(false), Next: e.opts.Command}
	}
	return &StoppedError{
		Step: step, Changed: changed, Back: e.back(), Undone: e.secrets.Text(e.undone),
		Cause: e.secrets.Error(err), Next: e.next(err), Evidence: e.evidence,
	}
}

// back reports whether this run goes back.
func (e *Executor) back() bool { return e.plan.Kind == plan.KindRollback }

// next is the command to type after err: after drift the plan is out of date,
// in all other cases the same command goes on.
func (e *Executor) next(err error) string {
	if drifted := errors.As(err, new(*DriftError)) || errors.As(err, new(*CredentialError)); drifted && !e.back() {
		return orElse(e.opts.Anew, "make the plan anew: helm aistor plan")
	}
	if deletion, ok := errors.AsType[*DeletionError](err); ok {
		return deletion.hint()
	}
	if removal, ok := errors.AsType[*RemovalError](err); ok {
		return removal.hint() + "\nthen: " + e.opts.Command
	}
	if webhook, ok := errors.AsType[*WebhookError](err); ok {
		return webhook.hint() + e.opts.Command
	}
	return e.opts.Command
}

// ids are the steps that are over, or those that are not.
func (e *Executor) ids(over bool) []string {
	var ids []string
	for _, s := range e.plan.Steps {
		if r := e.journal.Step(s.ID); (r != nil && r.Status.Over()) == over {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

func (e *Executor) outcome() *Outcome {
	o := &Outcome{
		Plan: e.digest, Changed: e.journal.Changed(), Remaining: e.ids(false), Parked: e.parked,
		Backup: orElse(e.journal.FirstBackup, e.backup), Validation: e.validation, Undone: e.secrets.Text(e.undone), Attempts: e.journal.Attempts,
		Availability: e.availability(), Pods: joined(e.earlierPods, e.tracker.pods()), Earlier: journal.Lineage(e.journal.Found(), e.journal.Run), Ended: e.opts.Now(),
	}
	for i := len(o.Earlier) - 1; i >= 0; i-- {
		o.Availability = together(o.Earlier[i].Availability, o.Availability)
		o.Pods = joined(o.Earlier[i].Pods, o.Pods)
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
