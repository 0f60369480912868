package upgrade

import (
	"context"
	"errors"
	"sync"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/pause"
)

// LeaseName is the Lease that keeps a second run out.
const LeaseName = "aistor-upgrade"

// lease is held by one run. Being unable to renew it is not losing it: nobody
// can take it over while the API server is away, and whether somebody did is
// seen in the object when it is back.
type lease struct {
	client    kubernetes.Interface
	namespace string
	holder    string
	duration  time.Duration
	patience  time.Duration
	now       func() time.Time
	gone      func(string) bool

	stop context.CancelFunc
	done sync.WaitGroup
	lost chan struct{} // closed once somebody else holds it
	once sync.Once
}

// acquireLease takes the lease. Where another holder has it, acquireLease
// looks on for as long as a live holder needs to renew it: one that renews is
// a [BusyError], one that stays silent was killed, and is taken over from.
func acquireLease(ctx context.Context, e *Executor, waiting func(*BusyError)) (*lease, error) {
	l := &lease{
		client: e.deps.Client, namespace: e.namespace, holder: e.opts.Holder,
		duration: e.opts.LeaseDuration, patience: e.opts.Patience,
		now: e.opts.Now, gone: e.opts.HolderGone, lost: make(chan struct{}),
	}
	var first *coordination.Lease
	since := l.now()
	for {
		held, err := l.try(ctx, first, since)
		if err == nil {
			l.keep(ctx)
			return l, nil
		}
		busy, ok := errors.AsType[*BusyError](err)
		if !ok {
			return nil, err
		}
		if first == nil {
			first = held
			waiting(busy)
		} else if renewed(first, held) {
			return nil, busy
		}
		if err := pause.For(ctx, l.duration/15); err != nil {
			return nil, err
		}
	}
}

// try takes the lease if it is free, ours, or held by somebody who has been
// silent since we first looked. The clocks of two machines are never compared,
// except by a wide margin.
func (l *lease) try(ctx context.Context, first *coordination.Lease, since time.Time) (*coordination.Lease, error) {
	leases := l.client.CoordinationV1().Leases(l.namespace)
	cur, err := leases.Get(ctx, LeaseName, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, l.fill(&coordination.Lease{}), meta.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil, &BusyError{Holder: "a run that began just now", Since: l.now()}
		}
		return nil, naming(err, "taking lease", LeaseName)
	}
	if err != nil {
		return nil, naming(err, "reading lease", LeaseName)
	}
	other := holderOf(cur)
	silent := first != nil && !renewed(first, cur) && l.now().Sub(since) >= l.duration
	if other != "" && other != l.holder && !silent && !l.gone(other) && !l.longExpired(cur) {
		return cur, &BusyError{Holder: other, Since: acquired(cur)}
	}
	_, err = leases.Update(ctx, l.fill(cur.DeepCopy()), meta.UpdateOptions{})
	if apierrors.IsConflict(err) {
		return cur, &BusyError{Holder: other, Since: acquired(cur)}
	}
	return nil, naming(err, "taking lease", LeaseName)
}

// longSilence is longer than any difference between the clocks of two machines,
// a time zone taken for another included. Who waits instead of believing it
// waits for one term of the lease.
const longSilence = 24 * time.Hour

// longExpired reports whether the holder has been silent for so long that no
// difference between two clocks explains it.
func (l *lease) longExpired(cur *coordination.Lease) bool {
	return cur.Spec.RenewTime == nil || l.now().Sub(cur.Spec.RenewTime.Time) > longSilence
}

func (l *lease) fill(cur *coordination.Lease) *coordination.Lease {
	now := meta.NewMicroTime(l.now())
	seconds := int32(l.duration / time.Second)
	cur.Name, cur.Namespace = LeaseName, l.namespace
	cur.Labels = managedLabels()
	if holderOf(cur) != l.holder {
		cur.Spec.AcquireTime = &now
	}
	cur.Spec.HolderIdentity, cur.Spec.LeaseDurationSeconds, cur.Spec.RenewTime = &l.holder, &seconds, &now
	return cur
}

// keep renews the lease in the background until release.
func (l *lease) keep(ctx context.Context) {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.done.Go(func() {
		for pause.For(ctx, l.duration/3) == nil {
			_ = l.renew(ctx)
		}
	})
}

// renew reports ErrLeaseLost once somebody else holds the lease; any other
// error says only that it could not be renewed now.
func (l *lease) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.duration/3)
	defer cancel()
	leases := l.client.CoordinationV1().Leases(l.namespace)
	cur, err := leases.Get(ctx, LeaseName, meta.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = leases.Create(ctx, l.fill(&coordination.Lease{}), meta.CreateOptions{})
		return err
	case err != nil:
		return err
	case holderOf(cur) != l.holder:
		l.once.Do(func() { close(l.lost) })
		return ErrLeaseLost
	}
	_, err = leases.Update(ctx, l.fill(cur.DeepCopy()), meta.UpdateOptions{})
	return err
}

// check makes sure that the lease is still held, right before a change.
func (l *lease) check(ctx context.Context) error {
	select {
	case <-l.lost:
		return ErrLeaseLost
	default:
	}
	err := patiently(ctx, l.patience, l.renew)
	if apierrors.IsConflict(err) { // the background renewed in between
		err = patiently(ctx, l.patience, l.renew)
	}
	return err
}

// silence ends the renewing and leaves the lease to expire.
func (l *lease) silence() {
	l.stop()
	l.done.Wait()
}

// release ends the renewing and frees the lease, if it is still ours.
func (l *lease) release(ctx context.Context) error {
	l.silence()
	leases := l.client.CoordinationV1().Leases(l.namespace)
	cur, err := leases.Get(ctx, LeaseName, meta.GetOptions{})
	if err != nil || holderOf(cur) != l.holder {
		return err
	}
	cur.Spec.HolderIdentity, cur.Spec.RenewTime, cur.Spec.AcquireTime = nil, nil, nil
	_, err = leases.Update(ctx, cur, meta.UpdateOptions{})
	return err
}

func holderOf(l *coordination.Lease) string {
	if l == nil || l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

func acquired(l *coordination.Lease) time.Time {
	if l.Spec.AcquireTime == nil {
		return time.Time{}
	}
	return l.Spec.AcquireTime.Time
}

// renewed reports whether the holder did anything between two looks.
func renewed(a, b *coordination.Lease) bool {
	return a.ResourceVersion != b.ResourceVersion || holderOf(a) != holderOf(b) || !a.Spec.RenewTime.Equal(b.Spec.RenewTime)
}
