package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/pause"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// sampleLimit bounds the timeline of one store.
	sampleLimit = 2_000
	// outageLimit bounds the outages of one store that are told apart.
	outageLimit = 200
)

// tracker counts. It may be used by several goroutines.
type tracker struct {
	now    func() time.Time
	mu     sync.Mutex
	stores map[string]*journal.Availability
	down   map[string]time.Time // since when a store's probes fail
	lanes  lanes
	cancel context.CancelFunc
	probes sync.WaitGroup
}

func newTracker(now func() time.Time) *tracker {
	return &tracker{now: now, stores: map[string]*journal.Availability{}, down: map[string]time.Time{}}
}

// observe counts one snapshot.
func (t *tracker) observe(f *plan.Facts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lanes.observe(f, t.now())
	for _, s := range f.Stores {
		up := serving(f, s.Key())
		a := t.stores[s.Key()]
		if a == nil {
			a = &journal.Availability{Store: s.Key(), LowestReady: up, Worst: s.Health}
			t.stores[s.Key()] = a
		}
		a.Pods, a.LowestReady = s.Servers(), min(a.LowestReady, up)
		if s.Health != "" && (a.Worst == "" || health(s.Health) < health(a.Worst)) {
			a.Worst = s.Health
		}
		if n := len(a.Timeline); n < sampleLimit && (n == 0 || a.Timeline[n-1].Ready != up) {
			a.Timeline = append(a.Timeline, journal.Sample{Time: t.now(), Ready: up})
		}
	}
}

// serving counts a store's pods that are ready and not about to end.
func serving(f *plan.Facts, key string) int {
	n := 0
	for _, p := range f.Pods {
		if p.Store == key && !p.KES() && p.Ready && p.Terminating.IsZero() {
			n++
		}
	}
	return n
}

// watchAvailability counts a snapshot and raises the alarm when more pods of a
// store are down than were promised: one where they go one by one, and one
// where no restart was planned at all. Those that were down before the attempt
// are no news.
func (e *Executor) watchAvailability(s plan.Step, f *plan.Facts) {
	e.tracker.observe(f)
	for _, st := range f.Stores {
		i := slices.IndexFunc(s.Restarts, func(r plan.Restart) bool { return r.Store == st.Key() })
		promise := "though no restart of it was planned"
		if i >= 0 {
			promise = "where one by one was promised"
		}
		if e.alarm != "" || i >= 0 && s.Restarts[i].How != plan.OneByOne {
			continue
		}
		if down := st.Servers() - serving(f, st.Key()); down > max(1, downOf(e.facts, st.Key())) {
			e.alarm = fmt.Sprintf("%d pods of object store %s were down at once %s", down, st.Key(), promise)
			e.say(s.ID, EventAlarm, e.alarm)
		}
	}
}

// downOf is how many pods of a store were not serving.
func downOf(f *plan.Facts, key string) int {
	st := store(f, key)
	if st == nil {
		return 0
	}
	return st.Servers() - serving(f, key)
}

// meanwhile looks at every change while f is under way: a Helm operation takes
// its time, is never cut off, and its first objects may set stores in motion
// long before it is through.
func (e *Executor) meanwhile(s plan.Step, f func() error) error {
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-e.live.Changed():
				began := e.opts.Now()
				e.watchAvailability(s, e.live.Snapshot())
				rest(context.Background(), e.opts.Now().Sub(began), 0)
			}
		}
	})
	defer func() {
		close(stop)
		watching.Wait()
	}()
	return f()
}

// probe begins to ask all stores, once, until the tracker stops.
func (e *Executor) probe(ctx context.Context) {
	t := e.tracker
	if e.deps.Prober == nil || t.cancel != nil {
		return
	}
	ctx, t.cancel = context.WithCancel(ctx)
	for _, s := range e.facts.Stores {
		t.asked(s.Key(), e.deps.Prober.At(s.Key()))
		t.probes.Go(func() {
			for {
				err := e.deps.Prober.Probe(ctx, s.Key())
				known := t.count(s.Key(), err, ctx.Err())
				// An API server that has just started may refuse for a moment what
				// it has granted before.
				if errors.Is(err, ErrMayNotProbe) && !known {
					return // each question would stand in the audit log as refused
				}
				if pause.For(ctx, e.opts.ProbeInterval) != nil {
					return
				}
			}
		})
	}
}

// asked notes at which address a store is asked.
func (t *tracker) asked(store, at string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.stores[store]; a != nil && at != "" {
		a.At = []string{at}
	}
}

// count counts one answer, and reports whether the store ever gave one.
func (t *tracker) count(store string, err, ended error) (known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.stores[store]
	if a == nil || ended != nil {
		return false
	}
	if errors.Is(err, ErrNotProbed) {
		a.Unanswered++
		return a.Known
	}
	a.Known = true
	a.Probes++
	since, failing := t.down[store]
	switch {
	case err != nil:
		a.Failed++
		if !failing {
			t.down[store] = t.now()
		}
	case failing:
		countOutage(a, journal.Outage{From: since, To: t.now()})
		delete(t.down, store)
	}
	return true
}

// countOutage adds an outage to what was seen of a store.
func countOutage(a *journal.Availability, o journal.Outage) {
	a.Unavailable += plan.Duration(o.To.Sub(o.From))
	if len(a.Outages) < outageLimit {
		a.Outages = append(a.Outages, o)
	}
}

// stop ends the probing; an outage that has not ended counts up to now.
func (t *tracker) stop() {
	if t.cancel != nil {
		t.cancel()
		t.probes.Wait()
		t.cancel = nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for store, since := range t.down {
		countOutage(t.stores[store], journal.Outage{From: since, To: t.now()})
		delete(t.down, store)
	}
}

// pods are the timelines of single pods.
func (t *tracker) pods() []journal.PodTimeline {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lanes.result()
}

// result is sorted by store.
func (t *tracker) result() []journal.Availability {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []journal.Availability
	for _, a := range t.stores {
		c := *a
		c.At, c.Timeline, c.Outages = slices.Clone(a.At), slices.Clone(a.Timeline), slices.Clone(a.Outages)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b journal.Availability) int { return cmp.Compare(a.Store, b.Store) })
	return out
}
