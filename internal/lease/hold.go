package lease

import (
	"context"
	"fmt"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
)

// The lease is renewed every third of its term. It is read again before a write
// when it was not renewed for half of it, and a connection sends nothing more
// after two thirds: what is left is for bytes that are on their way.
func (l *Lease) pace() time.Duration  { return l.term / 3 }
func (l *Lease) doubt() time.Duration { return l.term / 2 }
func (l *Lease) limit() time.Duration { return l.term * 2 / 3 }

// keep renews the lease in the background.
func (l *Lease) keep(ctx context.Context) {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.done.Go(func() {
		for backoff.Sleep(ctx, l.pace()) == nil && l.Err() == nil {
			_ = l.renew(ctx, 0)
		}
	})
}

// Lost is closed once another run has taken the lease over, or somebody
// deleted it while nobody renewed it.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Err is a [*LostError] once the lease is lost, else nil.
func (l *Lease) Err() error {
	if l.whole != nil {
		if err := l.whole.Err(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loss == nil {
		return nil
	}
	return l.loss
}

// Verify asks the API server whether the lease is still held, right before a
// change. It returns a [*LostError] if not; any other error says that nobody
// knows now, and that nothing may be written.
func (l *Lease) Verify(ctx context.Context) error {
	if err := l.renew(ctx, l.pace()); err != nil {
		return err
	}
	return l.confirmAlso(ctx)
}

// Confirm is Verify where the lease was not renewed for a while, by this
// process's own clock; else it sends nothing.
func (l *Lease) Confirm(ctx context.Context) error {
	err := l.proven(l.doubt())
	if err == errStale {
		err = l.renew(ctx, 0)
	}
	if err != nil {
		return err
	}
	return l.confirmAlso(ctx)
}

// proven says whether the lease was confirmed within a time: nil, a
// [*LostError], errNotHeld or errStale. It sends nothing.
func (l *Lease) proven(within time.Duration) error {
	if err := l.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.held:
		return errNotHeld
	case l.age() >= within:
		return errStale
	}
	return nil
}

// instant is one moment on all clocks.
type instant struct {
	at   time.Time     // monotonic and of the day
	boot time.Duration // since the machine was started; 0 where unknown
}

// clocks reads them.
func (l *Lease) clocks() instant { return instant{l.now(), l.sinceBoot()} }

// since is the time between two moments by the clock that says most. A suspended
// process is found by the monotonic clock. A machine that slept is found by the
// time since its start, and where that is unknown by the time of day, which
// somebody may have set back.
func (i instant) since(then instant) time.Duration {
	age := max(i.at.Sub(then.at), i.at.Round(0).Sub(then.at.Round(0)))
	if i.boot == 0 || then.boot == 0 {
		return age
	}
	return max(age, i.boot-then.boot)
}

// age is how long ago the lease was confirmed.
func (l *Lease) age() time.Duration { return l.clocks().since(l.confirmed) }

// renew reads the lease, and renews it where that was not done for young.
func (l *Lease) renew(ctx context.Context, young time.Duration) error {
	asked := ctx
	ctx, cancel := context.WithTimeoutCause(ctx, l.pace(), &silentError{l.pace()})
	defer cancel()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return fmt.Errorf("confirming lease %q: %w", l.id(), context.Cause(ctx))
	}
	for try := 1; ; try++ {
		err := l.renewOnce(ctx, young)
		if err != nil && ctx.Err() != nil && asked.Err() == nil && l.Err() == nil {
			return fmt.Errorf("confirming lease %q: %w", l.id(), context.Cause(ctx))
		}
		if !apierrors.IsConflict(err) || try == 3 {
			return err
		}
	}
}

func (l *Lease) renewOnce(ctx context.Context, young time.Duration) error {
	if err := l.proven(1 << 62); err != nil {
		return err
	}
	leases := l.client.CoordinationV1().Leases(l.namespace)
	cur, err := leases.Get(ctx, Name, meta.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return l.recreate(ctx)
	case err != nil:
		return fmt.Errorf("confirming lease %q: %w", l.id(), err)
	case rawHolder(cur) != l.holder:
		return l.lose(cur)
	case l.proven(young) == nil:
		return nil
	}
	sent := l.clocks()
	_, err = leases.Update(ctx, l.fill(cur.DeepCopy()), meta.UpdateOptions{})
	return l.confirm(sent, err)
}

// recreate brings back a lease that somebody deleted, if nobody can have held
// it since.
func (l *Lease) recreate(ctx context.Context) error {
	if l.proven(l.limit()) != nil {
		return l.lose(nil)
	}
	sent := l.clocks()
	_, err := l.client.CoordinationV1().Leases(l.namespace).Create(ctx, l.fill(&coordination.Lease{}), meta.CreateOptions{})
	return l.confirm(sent, err)
}

func (l *Lease) confirm(sent instant, err error) error {
	if err != nil {
		return fmt.Errorf("renewing lease %q: %w", l.id(), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.confirmed = sent
	return nil
}

// lose notes the loss for good; cur is the lease as it is now, nil where it is
// gone.
func (l *Lease) lose(cur *coordination.Lease) error {
	loss := &LostError{Lease: l.id(), Own: l.holder, Deleted: cur == nil}
	if cur != nil {
		loss.Holder, loss.Since = holderOf(cur), acquired(cur)
		if loss.Holder == "" {
			loss.Last, loss.Freed = clean(cur.Annotations[lastHolder]), timeOf(cur.Spec.RenewTime)
		}
	}
	if l.whole != nil { // who lost one has lost all
		_ = l.whole.fail(loss)
	}
	return l.fail(loss)
}

// fail records the first loss and returns it.
func (l *Lease) fail(loss *LostError) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loss == nil {
		l.loss = loss
		close(l.lost)
	}
	return l.loss
}

// Abandon ends the renewing and leaves the lease to expire, as a killed process
// would: for when nobody knows what is under way. Nothing is written after it.
func (l *Lease) Abandon() {
	for _, m := range l.also {
		m.Abandon()
	}
	if l.stop != nil {
		l.stop()
		l.done.Wait()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = false
}

// Release ends the renewing and frees the lease, if it is still this run's.
// Nothing is written after it.
func (l *Lease) Release(ctx context.Context) error {
	l.Abandon()
	if l.Err() != nil {
		return nil
	}
	if err := l.eachAlso(ctx, func(ctx context.Context, m *Lease) error { return m.Release(ctx) }); err != nil {
		return err
	}
	leases := l.client.CoordinationV1().Leases(l.namespace)
	cur, err := leases.Get(ctx, Name, meta.GetOptions{})
	if err == nil && rawHolder(cur) == l.holder {
		_, err = leases.Update(ctx, l.empty(cur), meta.UpdateOptions{})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("releasing lease %q: %w", l.id(), err)
	}
	return nil
}
