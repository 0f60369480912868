package lease

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
)

const (
	// alsoTerms is how many times longer the Lease of a further namespace lasts,
	// and so how much more rarely it is renewed: an installation may have
	// hundreds of namespaces.
	alsoTerms = 4
	// alsoAtOnce bounds the requests for further namespaces that are under way
	// at a time.
	alsoAtOnce = 16
)

// members are the Leases of the further namespaces.
func (l *Lease) members(o Options) []*Lease {
	var list []*Lease
	for _, namespace := range slices.Compact(slices.Sorted(slices.Values(o.Also))) {
		if namespace == o.Namespace {
			continue
		}
		member := o
		member.Namespace, member.Term = namespace, max(l.term, min(alsoTerms*l.term, longestTerm))
		m := newLease(member)
		m.whole = l
		list = append(list, m)
	}
	return list
}

// Acquire takes the lease, in all of its namespaces or in none, and keeps
// renewing it until Release or Abandon. Where another holder has it, Acquire
// watches for as long as a live holder needs to renew it: one that renews is a
// [BusyError]; one that stays silent was killed, suspended or cut off, and is
// taken over from. waiting is told of it first.
func (l *Lease) Acquire(ctx context.Context, waiting func(*BusyError)) error {
	if err := l.take(ctx, waiting); err != nil {
		if ctx.Err() != nil { // the request that took it may have arrived
			_ = l.giveUp(ctx)
		}
		return err
	}
	var mu sync.Mutex
	err := l.eachAlso(ctx, func(ctx context.Context, m *Lease) error {
		err := m.take(ctx, func(b *BusyError) {
			mu.Lock()
			defer mu.Unlock()
			b.Namespace = m.namespace
			waiting(b)
		})
		if busy, ok := errors.AsType[*BusyError](err); ok {
			busy.Namespace = m.namespace
		}
		return err
	})
	if err == nil {
		return nil
	}
	if left := l.giveUp(ctx); left != nil {
		return fmt.Errorf("%w; %w; it expires by itself", err, left)
	}
	return err
}

// interruptedLimit is how long giving back what was taken may keep whoever
// interrupted an Acquire; without that, a Lease may take its pace.
const interruptedLimit = 2 * time.Second

// giveUp gives back what an Acquire that fails has taken. What cannot be given
// back in time expires.
func (l *Lease) giveUp(ctx context.Context) error {
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.pace())
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		_ = backoff.Sleep(work, interruptedLimit)
		cancel()
	})()
	return l.Release(work)
}

// eachAlso calls f for the further namespaces, some at a time, until one fails.
func (l *Lease) eachAlso(ctx context.Context, f func(context.Context, *Lease) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(alsoAtOnce)
	for _, m := range l.also {
		group.Go(func() error { return f(ctx, m) })
	}
	return group.Wait()
}

// confirmAlso confirms the further Leases that were not renewed for a while. In
// an undisturbed run these are none, and nothing is sent.
func (l *Lease) confirmAlso(ctx context.Context) error {
	return l.eachAlso(ctx, func(ctx context.Context, m *Lease) error { return m.Confirm(ctx) })
}

// mayStillSend says whether bytes of a write may leave now, by the clock alone.
func (l *Lease) mayStillSend() error {
	if err := l.proven(l.limit()); err != nil {
		return err
	}
	for _, m := range l.also {
		if err := m.proven(m.limit()); err != nil {
			return err
		}
	}
	return nil
}

// confirmWhole asks whether the Lease that a further one belongs to is still
// held: a run that was held up while it took them takes no more.
func (l *Lease) confirmWhole(ctx context.Context) error {
	if l.whole == nil {
		return nil
	}
	return l.whole.renew(ctx, l.whole.pace())
}
