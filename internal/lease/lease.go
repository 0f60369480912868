package lease

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordination "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/backoff"
)

// Options are a Lease's. Client, Namespace and Holder are required.
type Options struct {
	// Client reads and writes the Lease itself, past the fence.
	Client    kubernetes.Interface
	Namespace string
	// Also are further namespaces whose Leases are held together with that one:
	// whoever has rights in one of them alone takes only its Lease, and is kept
	// out by it.
	Also []string
	// Holder names this run and no other one, ever: see [NewHolder].
	Holder string
	// Term is how long a silent holder keeps the lease. The default is 30
	// seconds.
	Term time.Duration
	// HolderGone says of another holder whether it certainly runs no more, so
	// that its lease may be taken over at once. The default says no.
	HolderGone func(holder string) bool
	// Now is the clock, monotonic and of the day. The default is time.Now.
	Now func() time.Time
	// SinceBoot is the time since the machine was started, its sleep included; 0
	// where unknown. The default asks the system.
	SinceBoot func() time.Duration
}

// Lease is held by one run. It is safe for concurrent use.
//
// Being unable to renew it is not losing it: nobody can take it over while the
// API server is away, and whether somebody did is seen when it is back. Until
// then nothing is written.
type Lease struct {
	client    kubernetes.Interface
	namespace string
	holder    string
	term      time.Duration
	now       func() time.Time
	sinceBoot func() time.Duration
	gone      func(string) bool
	// also are the Leases of further namespaces; whole is what such a one
	// belongs to.
	also  []*Lease
	whole *Lease

	turn chan struct{} // who reads or writes the object
	stop context.CancelFunc
	done sync.WaitGroup
	lost chan struct{} // closed with the loss

	mu        sync.Mutex
	held      bool
	loss      *LostError
	confirmed instant // when the newest request began that renewed it
}

// New makes a lease that is not held yet. It sends nothing.
func New(o Options) *Lease {
	l := newLease(o)
	l.also = l.members(o)
	return l
}

func newLease(o Options) *Lease {
	l := &Lease{
		client: o.Client, namespace: o.Namespace, holder: o.Holder, term: o.Term, now: o.Now, sinceBoot: o.SinceBoot, gone: o.HolderGone,
		turn: make(chan struct{}, 1), lost: make(chan struct{}),
	}
	if l.term <= 0 {
		l.term = 30 * time.Second
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.sinceBoot == nil {
		l.sinceBoot = sinceBoot
	}
	if l.gone == nil {
		l.gone = func(string) bool { return false }
	}
	return l
}

// Namespace is where the Lease lies.
func (l *Lease) Namespace() string { return l.namespace }

// Holder is the run that takes the lease.
func (l *Lease) Holder() string { return l.holder }

// take is Acquire for one namespace.
func (l *Lease) take(ctx context.Context, waiting func(*BusyError)) error {
	var first *coordination.Lease
	var since time.Time
	for {
		cur, err := l.try(ctx, first, since)
		if err == nil {
			l.keep(ctx)
			return nil
		}
		busy, ok := errors.AsType[*BusyError](err)
		if !ok {
			return err
		}
		switch {
		case cur == nil: // created by another client just now
		case first == nil: // its silence counts from when it was seen, not from when it was asked for
			first, since = cur, l.now()
			waiting(busy)
		case renewed(first, cur):
			return busy
		}
		if err := backoff.Sleep(ctx, l.term/15); err != nil {
			return err
		}
	}
}

// try takes the lease if it is free, or held by somebody who has been silent
// since we first saw it, all of its term. The clocks of two machines are never
// compared.
func (l *Lease) try(ctx context.Context, first *coordination.Lease, since time.Time) (*coordination.Lease, error) {
	leases := l.client.CoordinationV1().Leases(l.namespace)
	sent := l.clocks()
	cur, err := leases.Get(ctx, Name, meta.GetOptions{})
	// Who is held up after this fails by what was read.
	if lost := l.confirmWhole(ctx); lost != nil {
		return nil, lost
	}
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, l.fill(&coordination.Lease{}), meta.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil, &BusyError{Holder: "a run that has just started", Since: l.now()}
		}
		return nil, l.taken(sent, err)
	}
	if err != nil {
		return nil, fmt.Errorf("reading lease %q: %w", l.id(), err)
	}
	if other := rawHolder(cur); other != "" && other != l.holder {
		silent := first != nil && !renewed(first, cur) && sent.at.Sub(since) >= termOf(cur, l.term)
		if !silent && !l.gone(other) && cur.Spec.RenewTime != nil {
			return cur, &BusyError{Holder: holderOf(cur), Since: acquired(cur)}
		}
	}
	sent = l.clocks()
	_, err = leases.Update(ctx, l.fill(cur.DeepCopy()), meta.UpdateOptions{})
	if apierrors.IsConflict(err) {
		return cur, &BusyError{Holder: holderOf(cur), Since: acquired(cur)}
	}
	return nil, l.taken(sent, err)
}

// taken notes that a request which began at sent took the lease.
func (l *Lease) taken(sent instant, err error) error {
	if err != nil {
		return fmt.Errorf("taking lease %q: %w", l.id(), err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held, l.confirmed = true, sent
	return nil
}

func (l *Lease) id() string { return l.namespace + "/" + Name }
