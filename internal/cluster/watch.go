package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Live keeps the moving part of the facts current. It is safe for concurrent
// use; whoever gets one stops it.
type Live struct {
	client            *Client
	operatorNamespace string
	cancel            context.CancelFunc
	running           sync.WaitGroup
	changed           chan struct{}

	mu       sync.Mutex
	feeds    []feed
	troubles map[string]error // by what is watched, while it fails
}

// feed is one watch: where its objects go in a snapshot.
type feed struct {
	what  string
	ready func() bool
	into  func(*seen)
}

// watched says how one kind is listed and watched in one namespace.
type watched[L runtime.Object] struct {
	what  string
	list  func(context.Context, metav1.ListOptions) (L, error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
	// limit narrows what the server sends.
	limit metav1.ListOptions
}

// firstLook is how long a watch may take to list what is there. What took
// longer is a Gap until it is through.
const firstLook = time.Minute

// Watch follows the scope's namespaces and the operator's: one watch per kind
// and namespace, without polling. It returns when each has been listed once or
// has failed once; what fails is a Gap in the snapshots until it works.
//
// A lost API server is waited for without end, asking again at least every few
// seconds; a watch that fell too far behind is listed anew. An empty
// scope.Namespaces means those that have object stores now. The error is as in
// [Client.Facts].
func (c *Client) Watch(ctx context.Context, scope Scope) (*Live, error) {
	if scope.Only != "" {
		scope.OperatorNamespace, scope.Namespaces = scope.Only, []string{scope.Only}
	}
	l, s := &look{}, &seen{now: c.now()}
	if _, err := c.version(ctx); err != nil {
		return nil, err
	}
	g := parallel()
	run := func(f func()) { g.Go(func() error { f(); return nil }) }
	if scope.OperatorNamespace == "" {
		run(func() { s.crds = c.definitions(ctx, l) })
	}
	if scope.OperatorNamespace == "" || len(scope.Namespaces) == 0 {
		c.findNamespaces(ctx, l, s, scope, run)
	}
	_ = g.Wait()
	if err := c.fatal(ctx, l); err != nil {
		return nil, err
	}
	s.operatorNamespace = s.findOperator(scope.OperatorNamespace)
	needed := s.neededNamespaces(scope)
	watching, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard()))
	live := &Live{client: c, operatorNamespace: s.operatorNamespace, cancel: cancel,
		changed: make(chan struct{}, 1), troubles: map[string]error{}}
	live.start(watching, needed, scope)
	if err := live.settle(ctx); err != nil {
		live.Stop()
		return nil, err
	}
	return live, nil
}

// Snapshot is the present state of what is watched: object stores, workloads,
// pods, services with their endpoints, webhooks and, where the scope asks for
// events, warnings. The rest of the facts is empty. The caller owns it.
func (l *Live) Snapshot() *plan.Facts {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &seen{now: l.client.now(), operatorNamespace: l.operatorNamespace, storesKnown: true}
	for _, f := range l.feeds {
		f.into(s)
		// Stores seen once stay known while the server is away.
		if strings.HasPrefix(f.what, "objectstores") && !f.ready() {
			s.storesKnown = false
		}
	}
	gaps := &look{}
	for what, err := range l.troubles {
		gaps.miss(what, err)
	}
	f := s.facts()
	f.Context, f.Server, f.Gaps = l.client.connection.Context, l.client.connection.Server, gaps.sorted()
	return f
}

// Changed receives when a snapshot may differ from the one before. Changes
// that come while nobody receives are one.
func (l *Live) Changed() <-chan struct{} { return l.changed }

// Stop ends the watches and waits for them. It may be called more than once;
// snapshots keep their last state.
func (l *Live) Stop() {
	l.cancel()
	l.running.Wait()
}

func (l *Live) signal() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// trouble notes the outcome of a request of one watch.
func (l *Live) trouble(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	_, failing := l.troubles[what]
	if err != nil {
		l.troubles[what] = err
	} else {
		delete(l.troubles, what)
	}
	l.mu.Unlock()
	if failing != (err != nil) {
		l.signal()
	}
}

// settle waits until each watch has been listed once or has failed once: not to
// be answered for long is a failure too, which a proxy makes of a server that is
// away.
func (l *Live) settle(ctx context.Context) error {
	patience := time.NewTimer(firstLook)
	defer patience.Stop()
	for !l.settled() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.changed:
		case <-patience.C:
			l.missing(fmt.Errorf("no answer from %s within %s", apiServer, firstLook))
		}
	}
	l.signal() // what settle received was for the caller
	return nil
}

// missing notes err for each watch that has neither listed nor failed.
func (l *Live) missing(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.feeds {
		if l.troubles[f.what] == nil && !f.ready() {
			l.troubles[f.what] = err
		}
	}
}

func (l *Live) settled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.feeds {
		if l.troubles[f.what] == nil && !f.ready() {
			return false
		}
	}
	return true
}

// follow starts one watch.
func follow[T, O any, L runtime.Object](ctx context.Context, l *Live, w watched[L], keep func(*T) (O, bool), into func(*seen, []O)) {
	s := &shelf[T, O]{keep: keep, changed: l.signal, items: map[string]O{}}
	limit := func(o *metav1.ListOptions) {
		o.LabelSelector, o.FieldSelector = w.limit.LabelSelector, w.limit.FieldSelector
	}
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			limit(&o)
			all, err := w.list(ctx, o)
			l.trouble(ctx, w.what, err)
			return all, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			limit(&o)
			events, err := l.beginWatch(ctx, w.what, w.watch, o)
			// A server that doesn't stream lists says so; the reflector then
			// lists as ever.
			var silent *httptimeout.Error
			if !errors.As(err, &silent) && (o.SendInitialEvents == nil || !apierrors.IsInvalid(err)) {
				l.trouble(ctx, w.what, err)
			}
			return events, err
		},
	}
	// The default gives up to a minute's pause, in which a store could go down
	// and come back unseen.
	patience := &wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 5, Cap: 5 * time.Second}
	r := cache.NewReflectorWithOptions(lw, any(new(T)), s, cache.ReflectorOptions{Name: w.what, Backoff: patience})
	l.feeds = append(l.feeds, feed{what: w.what, ready: s.ready, into: func(to *seen) { into(to, s.list()) }})
	l.running.Go(func() { r.RunWithContext(ctx) })
}
