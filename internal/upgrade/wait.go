package upgrade

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/pause"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// goal is what a step waits for. Its functions are pure: all of them judge one
// snapshot.
type goal struct {
	step plan.Step
	// unready lists what is missing; empty means reached.
	unready func(*plan.Facts) []string
	// healing lists stores whose drives heal, which takes what it takes.
	healing func(*plan.Facts) []string
	// troubles lists what waiting does not heal.
	troubles func(*plan.Facts) []trouble
	// progress names the pods that are done, and counts those that are not.
	progress func(*plan.Facts) (done []string, left int)
	// quiet is a fingerprint of what may still react, and whether a quiet
	// time is needed because not everything has reacted yet.
	quiet func(*plan.Facts) (print string, needed bool)
}

// watcher is the state of one wait.
type watcher struct {
	goal
	opts     Options
	memory   memory
	arrived  map[string]bool
	moved    time.Time // of the last progress
	left     int       // pods that are still to come
	print    string
	quiet    time.Time // since when nothing has moved; zero while unready
	heals    time.Time // since when only healing is left; zero while it isn't
	reported []string
}

// verdict is what one look at a snapshot decides.
type verdict struct {
	reached bool
	waiting []string
	// next is when to look again if nothing changes.
	next time.Duration
}

// await looks at each change until the goal is reached. It ends early when
// ctx ends, the lease is lost, nothing moves for [Options.Timeout], the deadline
// comes while drives heal, a volume claim is deleted, or something shows that
// waiting does not heal.
func (e *Executor) await(ctx context.Context, g goal) error {
	w := &watcher{goal: g, opts: e.opts, memory: memory{}, arrived: map[string]bool{}, moved: e.opts.Now()}
	for {
		began := e.opts.Now()
		changed := e.live.Changed()
		f := e.live.Snapshot()
		e.watchAvailability(g.step, f)
		if err := e.claimsInDanger(g.step, f); err != nil {
			return err
		}
		v, err := w.look(f)
		if err != nil || v.reached {
			return err
		}
		if !slices.Equal(v.waiting, w.reported) {
			w.reported = v.waiting
			e.emit(Event{Step: g.step.ID, Kind: EventWaiting, Waiting: v.waiting, Facts: f})
		}
		rest(ctx, e.opts.Now().Sub(began), w.left)
		if err := e.pause(ctx, changed, v.next); err != nil {
			return err
		}
	}
}

const (
	// restShare is how many times as long as a look the rest after it is.
	restShare = 20
	// restLimit is how long a look at a large cluster keeps from the next.
	restLimit = 100 * time.Millisecond
	// restForEach is added for each pod that is still to come: they do not all
	// come before the next look.
	restForEach = 500 * time.Microsecond
)

// rest keeps looks to a twentieth of the time: while a thousand pods come and
// go, something changes at every moment, and looks one after the other would
// take the processor from what is waited for where that runs on the same machine.
func rest(ctx context.Context, look time.Duration, left int) {
	if d := min(restShare*look, restLimit) + time.Duration(left)*restForEach; d > 0 {
		_ = pause.For(ctx, d) // its end is the next wait's matter
	}
}

// pause waits for the next reason to look.
func (e *Executor) pause(ctx context.Context, changed <-chan struct{}, d time.Duration) error {
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

func (w *watcher) look(f *plan.Facts) (verdict, error) {
	now := w.opts.Now()
	var done []string
	done, w.left = w.progress(f)
	for _, pod := range done {
		if !w.arrived[pod] {
			w.arrived[pod], w.moved = true, now
		}
	}
	unready, healing, login := w.unready(f), w.healing(f), loginTroubles(f)
	if len(unready) == 0 && len(healing) > 0 && len(login) == 0 {
		return w.heal(now, healing)
	}
	if !w.heals.IsZero() { // what is missing now has the whole time-out
		w.heals, w.moved = time.Time{}, now
	}
	if len(unready)+len(healing) == 0 {
		left := w.settling(f, now)
		if left <= 0 {
			return verdict{reached: true}, nil
		}
		return verdict{waiting: []string{fmt.Sprintf("whether anything reacts within %s", w.opts.Settle)}, next: left}, nil
	}
	w.quiet, unready = time.Time{}, append(unready, healing...)
	stuck, next := w.memory.lasting(now, w.opts.Grace, append(w.troubles(f), login...))
	if len(stuck) > 0 {
		return verdict{}, &stuckError{stuck}
	}
	left := w.opts.Timeout - now.Sub(w.moved)
	if left <= 0 {
		return verdict{}, &TimeoutError{After: w.opts.Timeout, Unready: unready}
	}
	if next == 0 || left < next {
		next = left
	}
	return verdict{waiting: unready, next: next}, nil
}

// settling is how much of the quiet time is left. It begins anew with each
// sign of a reaction, and is not needed once everything has reacted.
func (w *watcher) settling(f *plan.Facts, now time.Time) time.Duration {
	print, needed := w.goal.quiet(f)
	if !needed {
		return 0
	}
	if w.quiet.IsZero() || print != w.print {
		w.quiet, w.print = now, print
	}
	return w.opts.Settle - now.Sub(w.quiet)
}

// prints are fingerprints of what the operator writes for each store.
func prints(f *plan.Facts) map[string]string {
	m := map[string]string{}
	for _, s := range f.Stores {
		var b strings.Builder
		for _, w := range storeSets(f, s.Key()) {
			fmt.Fprintf(&b, "%s %d %s;", w.Name, w.Generation, w.UpdateRevision)
		}
		m[s.Key()] = b.String()
	}
	return m
}

// quiet compares a store, or all where key is empty, with what was before: a
// store that is not as before has reacted.
func quiet(f *plan.Facts, key string, before map[string]string) (print string, needed bool) {
	now := prints(f)
	keys := make([]string, 0, len(now))
	for k := range now {
		if key == "" || k == key {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		print += k + "=" + now[k] + "\n"
		needed = needed || now[k] == before[k]
	}
	return print, needed
}

// progress names the ready pods in scope that carry the newest revision, and
// counts the others. A pod that comes and goes counts once for each revision, so
// that it can't put the time-out off for ever.
func progress(f *plan.Facts, inScope func(plan.Pod) bool) (done []string, left int) {
	for _, p := range f.Pods {
		switch {
		case !inScope(p):
		case p.Ready && p.Terminating.IsZero() && newest(f, p):
			done = append(done, podName(p)+" "+p.Revision)
		default:
			left++
		}
	}
	return done, left
}
