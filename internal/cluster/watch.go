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

// Watcher keeps the changing part of the facts up to date. It is safe for concurrent
// use; the caller must stop it.
type Watcher struct {
	client            *Client
	operatorNamespace string
	cancel            context.CancelFunc
	running           sync.WaitGroup
	changed           chan struct{}

	mu     sync.Mutex
	feeds  []watchFeed
	errors map[string]error // by what is watched, while it fails
}

// watchFeed is one watch: where its objects go in a snapshot.
type watchFeed struct {
	resource  string
	hasSynced func() bool
	addTo     func(*snapshot)
}

// watchSource says how one kind is listed and watched in one namespace.
type watchSource[L runtime.Object] struct {
	resource string
	list     func(context.Context, metav1.ListOptions) (L, error)
	watch    func(context.Context, metav1.ListOptions) (watch.Interface, error)
	// limit narrows what the server sends.
	limit metav1.ListOptions
}

// initialListTimeout is how long a watch may take to list what is there. What took
// longer is a Gap until it is through.
const initialListTimeout = time.Minute

// Watch follows the scope's namespaces and the operator's: one watch per kind
// and namespace, without polling. It returns when each has been listed once or
// has failed once; what fails is a Gap in the snapshots until it works.
//
// A lost API server is waited for without end, asking again at least every few
// seconds; a watch that fell too far behind is listed again. An empty
// scope.Namespaces means those that have object stores now. The error is as in
// [Client.Facts].
func (c *Client) Watch(ctx context.Context, scope Scope) (*Watcher, error) {
	if scope.SingleNamespace != "" {
		scope.OperatorNamespace, scope.Namespaces = scope.SingleNamespace, []string{scope.SingleNamespace}
	}
	l, s := &requestTracker{}, &snapshot{now: c.now()}
	if _, err := c.serverVersion(ctx); err != nil {
		return nil, err
	}
	g := newRequestGroup()
	run := func(f func()) { g.Go(func() error { f(); return nil }) }
	if scope.OperatorNamespace == "" {
		run(func() { s.crds = c.listCRDs(ctx, l) })
	}
	if scope.OperatorNamespace == "" || len(scope.Namespaces) == 0 {
		c.findNamespaces(ctx, l, s, scope, run)
	}
	_ = g.Wait()
	if err := c.fatalError(ctx, l); err != nil {
		return nil, err
	}
	s.operatorNamespace = s.findOperator(scope.OperatorNamespace)
	needed := s.neededNamespaces(scope)
	watching, cancel := context.WithCancel(klog.NewContext(ctx, logr.Discard()))
	live := &Watcher{client: c, operatorNamespace: s.operatorNamespace, cancel: cancel,
		changed: make(chan struct{}, 1), errors: map[string]error{}}
	live.startWatches(watching, needed, scope)
	if err := live.waitForSync(ctx); err != nil {
		live.Stop()
		return nil, err
	}
	return live, nil
}

// Snapshot is the present state of what is watched: object stores, workloads,
// pods, services with their endpoints, webhooks and, where the scope asks for
// events, warnings. The rest of the facts is empty. The caller owns it.
func (l *Watcher) Snapshot() *plan.Facts {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &snapshot{now: l.client.now(), operatorNamespace: l.operatorNamespace, storesKnown: true}
	for _, f := range l.feeds {
		f.addTo(s)
		// Stores seen once stay known while the server is away.
		if strings.HasPrefix(f.resource, "objectstores") && !f.hasSynced() {
			s.storesKnown = false
		}
	}
	gaps := &requestTracker{}
	for what, err := range l.errors {
		gaps.addGap(what, err)
	}
	f := s.buildFacts()
	f.Context, f.Server, f.Gaps = l.client.connection.Context, l.client.connection.Server, gaps.sortedGaps()
	return f
}

// Changed receives when a snapshot may differ from the one before. Changes
// that come while nobody receives are one.
func (l *Watcher) Changed() <-chan struct{} { return l.changed }

// Stop ends the watches and waits for them. It may be called more than once;
// snapshots keep their last state.
func (l *Watcher) Stop() {
	l.cancel()
	l.running.Wait()
}

func (l *Watcher) notifyChanged() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// recordError records the outcome of a request of one watch.
func (l *Watcher) recordError(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	l.mu.Lock()
	_, failing := l.errors[what]
	if err != nil {
		l.errors[what] = err
	} else {
		delete(l.errors, what)
	}
	l.mu.Unlock()
	if failing != (err != nil) {
		l.notifyChanged()
	}
}

// waitForSync waits until each watch has been listed once or has failed once: not to
// be answered for long is a failure too, which a proxy makes of a server that is
// away.
func (l *Watcher) waitForSync(ctx context.Context) error {
	patience := time.NewTimer(initialListTimeout)
	defer patience.Stop()
	for !l.isSynced() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.changed:
		case <-patience.C:
			l.recordUnsynced(fmt.Errorf("no response from %s within %s", apiServer, initialListTimeout))
		}
	}
	l.notifyChanged() // what settle received was for the caller
	return nil
}

// recordUnsynced notes err for each watch that has neither listed nor failed.
func (l *Watcher) recordUnsynced(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.feeds {
		if l.errors[f.resource] == nil && !f.hasSynced() {
			l.errors[f.resource] = err
		}
	}
}

func (l *Watcher) isSynced() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.feeds {
		if l.errors[f.resource] == nil && !f.hasSynced() {
			return false
		}
	}
	return true
}

// startReflector starts one watch.
func startReflector[T, O any, L runtime.Object](ctx context.Context, l *Watcher, w watchSource[L], keep func(*T) (O, bool), into func(*snapshot, []O)) {
	s := &trimmedStore[T, O]{keep: keep, changed: l.notifyChanged, items: map[string]O{}}
	limit := func(o *metav1.ListOptions) {
		o.LabelSelector, o.FieldSelector = w.limit.LabelSelector, w.limit.FieldSelector
	}
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			limit(&o)
			all, err := w.list(ctx, o)
			l.recordError(ctx, w.resource, err)
			return all, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			limit(&o)
			events, err := l.beginWatch(ctx, w.resource, w.watch, o)
			// A server that doesn't stream lists says so; the reflector then
			// lists as ever.
			var silent *httptimeout.Error
			if !errors.As(err, &silent) && (o.SendInitialEvents == nil || !apierrors.IsInvalid(err)) {
				l.recordError(ctx, w.resource, err)
			}
			return events, err
		},
	}
	// The default gives up to a minute's pause, in which a store could go down
	// and come back unseen.
	patience := &wait.Backoff{Duration: 500 * time.Millisecond, Factor: 2, Jitter: 0.5, Steps: 5, Cap: 5 * time.Second}
	r := cache.NewReflectorWithOptions(lw, any(new(T)), s, cache.ReflectorOptions{Name: w.resource, Backoff: patience})
	l.feeds = append(l.feeds, watchFeed{resource: w.resource, hasSynced: s.hasSynced, addTo: func(to *snapshot) { into(to, s.listItems()) }})
	l.running.Go(func() { r.RunWithContext(ctx) })
}
