package upgrade

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// waitGoal is what a step waits for. Its functions are pure: all evaluate one
// snapshot.
type waitGoal struct {
	step plan.Step
	// unready lists what is missing; empty means reached.
	unready func(*plan.Facts) []string
	// healing lists stores whose drives heal, which takes what it takes.
	healing func(*plan.Facts) []string
	// failures lists persistent failures.
	failures func(*plan.Facts) []readiness.Failure
	// progress names the pods that are done, and counts those that are not.
	progress func(*plan.Facts) (done []string, left int)
	// fingerprint is a fingerprint of what may still react, and whether a quiet
	// time is needed because not everything has reacted yet.
	fingerprint func(*plan.Facts) (print string, needed bool)
}

// waiter is the state of one wait.
type waiter struct {
	waitGoal
	opts            Options
	history         readiness.FailureHistory
	arrived         map[string]bool
	lastProgress    time.Time // of the last progress
	podsLeft        int       // pods that are still to come
	lastFingerprint string
	quietSince      time.Time // since when nothing has moved; zero while unready
	healingSince    time.Time // since when only healing is left; zero while it isn't
	reported        []string
}

// waitDecision is the result of evaluating a snapshot.
type waitDecision struct {
	reached bool
	waiting []string
	// next is when to evaluate again if nothing changes.
	next time.Duration
}

// waitForGoal evaluates each change until the goal is reached. It ends early when
// ctx ends, the lease is lost, nothing moves for [Options.Timeout], the deadline
// comes while drives heal, a volume claim is deleted, or something shows that
// waiting does not heal.
func (e *Executor) waitForGoal(ctx context.Context, g waitGoal) error {
	w := &waiter{waitGoal: g, opts: e.opts, history: readiness.FailureHistory{}, arrived: map[string]bool{}, lastProgress: e.opts.Now()}
	for {
		began := e.opts.Now()
		changed := e.watch.Changed()
		f := e.watch.Snapshot()
		e.watchAvailability(g.step, f)
		if err := e.claimsInDanger(g.step, f); err != nil {
			return err
		}
		v, err := w.evaluateSnapshot(f)
		if err != nil || v.reached {
			return err
		}
		if !slices.Equal(v.waiting, w.reported) {
			w.reported = v.waiting
			e.emitEvent(Event{Step: g.step.ID, Kind: EventWaiting, Waiting: v.waiting, Facts: f})
		}
		throttle(ctx, e.opts.Now().Sub(began), w.podsLeft)
		if err := e.waitForChange(ctx, changed, v.next); err != nil {
			return err
		}
	}
}

const (
	// throttleFactor is the pause after an evaluation as a multiple of its duration.
	throttleFactor = 20
	// throttleLimit bounds the pause between two evaluations of a large cluster.
	throttleLimit = 100 * time.Millisecond
	// throttlePerPod is added for each pod that is still to come: they do not all
	// come before the next evaluation.
	throttlePerPod = 500 * time.Microsecond
)

// throttle limits evaluations to a twentieth of the time: while a thousand pods come and
// go, something changes at every moment, and continuous evaluation would
// take the processor from what is waited for where that runs on the same machine.
func throttle(ctx context.Context, look time.Duration, left int) {
	if d := min(throttleFactor*look, throttleLimit) + time.Duration(left)*throttlePerPod; d > 0 {
		_ = backoff.Sleep(ctx, d) // its end is the next wait's matter
	}
}

// waitForChange waits for the next change or time-out.
func (e *Executor) waitForChange(ctx context.Context, changed <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-e.lease.Lost():
		return e.lease.Err()
	case <-changed:
	case <-t.C:
	}
	return nil
}

func (w *waiter) evaluateSnapshot(f *plan.Facts) (waitDecision, error) {
	now := w.opts.Now()
	var done []string
	done, w.podsLeft = w.progress(f)
	for _, pod := range done {
		if !w.arrived[pod] {
			w.arrived[pod], w.lastProgress = true, now
		}
	}
	unready, healing, login := w.unready(f), w.healing(f), readiness.LoginFailures(f)
	if len(unready) == 0 && len(healing) > 0 && len(login) == 0 {
		return w.waitForHealing(now, healing)
	}
	if !w.healingSince.IsZero() { // what is missing now has the whole time-out
		w.healingSince, w.lastProgress = time.Time{}, now
	}
	if len(unready)+len(healing) == 0 {
		left := w.remainingStabilization(f, now)
		if left <= 0 {
			return waitDecision{reached: true}, nil
		}
		return waitDecision{waiting: []string{fmt.Sprintf("no reaction for %s (stabilization period)", w.opts.StabilizationPeriod)}, next: left}, nil
	}
	w.quietSince, unready = time.Time{}, append(unready, healing...)
	stuck, next := w.history.Persistent(now, w.opts.Grace, append(w.failures(f), login...))
	if len(stuck) > 0 {
		return waitDecision{}, &unrecoverableError{stuck}
	}
	left := w.opts.Timeout - now.Sub(w.lastProgress)
	if left <= 0 {
		return waitDecision{}, &TimeoutError{After: w.opts.Timeout, Unready: unready}
	}
	if next == 0 || left < next {
		next = left
	}
	return waitDecision{waiting: unready, next: next}, nil
}

// remainingStabilization is the rest of the stabilization period. It restarts with each
// sign of a reaction, and is not needed once everything has reacted.
func (w *waiter) remainingStabilization(f *plan.Facts, now time.Time) time.Duration {
	print, needed := w.waitGoal.fingerprint(f)
	if !needed {
		return 0
	}
	if w.quietSince.IsZero() || print != w.lastFingerprint {
		w.quietSince, w.lastFingerprint = now, print
	}
	return w.opts.StabilizationPeriod - now.Sub(w.quietSince)
}
