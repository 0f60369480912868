package upgrade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
	"github.com/aistor-upgrade/aistor-upgrade/internal/journal"
	"github.com/aistor-upgrade/aistor-upgrade/internal/readiness"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// maxSamples bounds the timeline of one store.
	maxSamples = 2_000
	// maxOutages bounds the outages of one store that are told apart.
	maxOutages = 200
)

// tracker counts. It may be used by several goroutines.
type tracker struct {
	now          func() time.Time
	mu           sync.Mutex
	stores       map[string]*journal.Availability
	downSince    map[string]time.Time // since when a store's probes fail
	podTimelines timelineRecorder
	cancel       context.CancelFunc
	probes       sync.WaitGroup
}

func newTracker(now func() time.Time) *tracker {
	return &tracker{now: now, stores: map[string]*journal.Availability{}, downSince: map[string]time.Time{}}
}

// recordSnapshot counts one snapshot.
func (t *tracker) recordSnapshot(f *plan.Facts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.podTimelines.recordSnapshot(f, t.now())
	for _, s := range f.Stores {
		up := servingPods(f, s.Key())
		a := t.stores[s.Key()]
		if a == nil {
			a = &journal.Availability{Store: s.Key(), LowestReady: up, Worst: s.Health}
			t.stores[s.Key()] = a
		}
		a.Pods, a.LowestReady = s.ServerCount(), min(a.LowestReady, up)
		if s.Health != "" && (a.Worst == "" || readiness.HealthRank(s.Health) < readiness.HealthRank(a.Worst)) {
			a.Worst = s.Health
		}
		if n := len(a.Timeline); n < maxSamples && (n == 0 || a.Timeline[n-1].Ready != up) {
			a.Timeline = append(a.Timeline, journal.Sample{Time: t.now(), Ready: up})
		}
	}
}

// servingPods counts a store's pods that are ready and not about to end.
func servingPods(f *plan.Facts, key string) int {
	n := 0
	for _, p := range f.Pods {
		if p.Store == key && !p.IsKES() && p.Ready && p.Terminating.IsZero() {
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
	e.tracker.recordSnapshot(f)
	for _, st := range f.Stores {
		i := slices.IndexFunc(s.Restarts, func(r plan.Restart) bool { return r.Store == st.Key() })
		promise := "although no restart was planned"
		if i >= 0 {
			promise = "instead of one by one"
		}
		if e.alarm != "" || i >= 0 && s.Restarts[i].Strategy != plan.OneByOne {
			continue
		}
		if down := st.ServerCount() - servingPods(f, st.Key()); down > max(1, downPods(e.facts, st.Key())) {
			e.alarm = fmt.Sprintf("%d pods of object store %s were down at the same time %s", down, st.Key(), promise)
			e.emitMessage(s.ID, EventAlarm, e.alarm)
		}
	}
}

// downPods is how many pods of a store were not serving.
func downPods(f *plan.Facts, key string) int {
	st := f.Store(key)
	if st == nil {
		return 0
	}
	return st.ServerCount() - servingPods(f, key)
}

// watchDuring records every change while f runs: a Helm operation takes
// its time, is never cut off, and its first objects may set stores in motion
// long before it is through.
func (e *Executor) watchDuring(s plan.Step, f func() error) error {
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-e.watch.Changed():
				began := e.opts.Now()
				e.watchAvailability(s, e.watch.Snapshot())
				throttle(context.Background(), e.opts.Now().Sub(began), 0)
			}
		}
	})
	defer func() {
		close(stop)
		watching.Wait()
	}()
	return f()
}

// startProbes begins to ask all stores, once, until the tracker stops.
func (e *Executor) startProbes(ctx context.Context) {
	t := e.tracker
	if e.deps.Prober == nil || t.cancel != nil {
		return
	}
	ctx, t.cancel = context.WithCancel(ctx)
	for _, s := range e.facts.Stores {
		t.setAddress(s.Key(), e.deps.Prober.EndpointOf(s.Key()))
		t.probes.Go(func() {
			for {
				err := e.deps.Prober.Probe(ctx, s.Key())
				known := t.recordProbe(s.Key(), err, ctx.Err())
				// An API server that has just started may refuse for a moment what
				// it has granted before.
				if errors.Is(err, ErrMayNotProbe) && !known {
					return // each question would stand in the audit log as refused
				}
				if backoff.Sleep(ctx, e.opts.ProbeInterval) != nil {
					return
				}
			}
		})
	}
}

// setAddress notes at which address a store is asked.
func (t *tracker) setAddress(store, at string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if a := t.stores[store]; a != nil && at != "" {
		a.At = []string{at}
	}
}

// recordProbe counts one answer, and reports whether the store ever gave one.
func (t *tracker) recordProbe(store string, err, ended error) (known bool) {
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
	since, failing := t.downSince[store]
	switch {
	case err != nil:
		a.Failed++
		if !failing {
			t.downSince[store] = t.now()
		}
	case failing:
		countOutage(a, journal.Outage{From: since, To: t.now()})
		delete(t.downSince, store)
	}
	return true
}

// countOutage adds an outage to what was seen of a store.
func countOutage(a *journal.Availability, o journal.Outage) {
	a.Unavailable += plan.Duration(o.To.Sub(o.From))
	if len(a.Outages) < maxOutages {
		a.Outages = append(a.Outages, o)
	}
}

// stopProbes ends the probing; an outage that has not ended counts up to now.
func (t *tracker) stopProbes() {
	if t.cancel != nil {
		t.cancel()
		t.probes.Wait()
		t.cancel = nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for store, since := range t.downSince {
		countOutage(t.stores[store], journal.Outage{From: since, To: t.now()})
		delete(t.downSince, store)
	}
}

// timelines are the timelines of single pods.
func (t *tracker) timelines() []journal.PodTimeline {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.podTimelines.sortedTimelines()
}

// sortedAvailability is sorted by store.
func (t *tracker) sortedAvailability() []journal.Availability {
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
