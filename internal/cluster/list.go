package cluster

import (
	"context"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

const (
	// pageSize is what the API server's own clients use.
	pageSize = 500
	// perNamespaceLimit is the number of namespaces up to which each is listed by itself;
	// beyond it one list of the entire cluster is less work for the server.
	perNamespaceLimit = 4
)

// pageLister lists one page of one kind in one namespace, "" meaning all, and
// returns the token of the next page.
type pageLister[T any] func(ctx context.Context, namespace string, o metav1.ListOptions) ([]T, string, error)

// listScope says in which namespaces a kind is listed.
type listScope struct {
	// all means every namespace; namespaces are then what is left to a user
	// who may not look everywhere.
	all        bool
	namespaces []string
}

func (r listScope) isClusterWide() bool { return r.all || len(r.namespaces) > perNamespaceLimit }

func (r listScope) includesNamespace(namespace string) bool {
	return r.all || slices.Contains(r.namespaces, namespace)
}

// requestTracker collects what could not be read. It is safe for concurrent use.
type requestTracker struct {
	mu           sync.Mutex
	gaps         []plan.Gap
	answered     bool
	unreachable  error // a request nobody answered
	unauthorized error
}

// recordOutcome records the outcome of a request.
func (l *requestTracker) recordOutcome(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch reason, fatal := connectReason(err); {
	case reason == Unauthorized:
		l.unauthorized = err
	case fatal:
		l.unreachable = err
	default:
		l.answered = true
	}
}

// addGap records a gap.
func (l *requestTracker) addGap(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gaps = append(l.gaps, newGap(what, err))
}

// missOptional records a gap that keeps nobody from upgrading.
func (l *requestTracker) missOptional(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gap := newGap(what, err)
	gap.Optional = true
	l.gaps = append(l.gaps, gap)
}

// gapCount is the number of gaps about a resource.
func (l *requestTracker) gapCount(resource string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, g := range l.gaps {
		if strings.HasPrefix(g.Subject, resource) {
			n++
		}
	}
	return n
}

// sortedGaps are the gaps by what they are about.
func (l *requestTracker) sortedGaps() []plan.Gap {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.gaps)
	sortBy(out, func(g plan.Gap) string { return g.Subject + g.Cause })
	return slices.Compact(out)
}

func newGap(what string, err error) plan.Gap {
	return plan.Gap{Subject: what, Cause: err.Error(), Denied: apierrors.IsForbidden(err), Unauthenticated: apierrors.IsUnauthorized(err)}
}

// fatalError is the error that makes all results unusable: 401, or
// not one answer.
func (l *requestTracker) fatalError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unauthorized != nil {
		return l.unauthorized
	}
	if !l.answered {
		return l.unreachable
	}
	return nil
}

// listFiltered lists a kind wherever in reaches and keeps what keep returns. A kind
// the server doesn't know has no objects.
func listFiltered[T, O any](ctx context.Context, l *requestTracker, what string, in listScope,
	src pageLister[T], o metav1.ListOptions, keep func(*T) (O, bool)) []O {
	if !in.isClusterWide() {
		return listEachNamespace(ctx, l, what, in.namespaces, src, o, keep)
	}
	out, err := listPages(ctx, src, "", o, func(item *T) (O, bool) {
		if m, ok := any(item).(metav1.Object); ok && m.GetNamespace() != "" && !in.includesNamespace(m.GetNamespace()) {
			var none O
			return none, false
		}
		return keep(item)
	})
	l.recordOutcome(err)
	switch {
	case err == nil || apierrors.IsNotFound(err):
		return out
	case !apierrors.IsForbidden(err) || len(in.namespaces) == 0:
		l.addGap(what, err)
		return nil
	case in.all:
		l.addGap(what+" in all namespaces", err)
	}
	return listEachNamespace(ctx, l, what, in.namespaces, src, o, keep)
}

func listEachNamespace[T, O any](ctx context.Context, l *requestTracker, what string, namespaces []string,
	src pageLister[T], o metav1.ListOptions, keep func(*T) (O, bool)) []O {
	var all []O
	for _, ns := range namespaces {
		out, err := listPages(ctx, src, ns, o, keep)
		l.recordOutcome(err)
		if err != nil && !apierrors.IsNotFound(err) {
			l.addGap(what+" in "+ns, err)
			continue
		}
		all = append(all, out...)
	}
	return all
}

// listPages lists everything page by page, so that only one page of whole objects
// is ever held. Where the server has compacted the snapshot behind a page's
// token the list begins again, in one piece this time.
func listPages[T, O any](ctx context.Context, src pageLister[T], namespace string,
	o metav1.ListOptions, keep func(*T) (O, bool)) ([]O, error) {
	var out []O
	o.Limit = pageSize
	for {
		items, next, err := src(ctx, namespace, o)
		if err != nil && o.Continue != "" && apierrors.IsResourceExpired(err) {
			out, o.Continue, o.Limit = nil, "", 0
			continue
		}
		if err != nil {
			return nil, err
		}
		for i := range items {
			if kept, ok := keep(&items[i]); ok {
				out = append(out, kept)
			}
		}
		if next == "" {
			return out, nil
		}
		o.Continue = next
	}
}
