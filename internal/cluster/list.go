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
	// narrow is the number of namespaces up to which each is listed by itself;
	// beyond it one list of the whole cluster is less work for the server.
	narrow = 4
)

// source lists one page of one kind in one namespace, "" meaning all, and
// returns the token of the next page.
type source[T any] func(ctx context.Context, namespace string, o metav1.ListOptions) ([]T, string, error)

// reach says in which namespaces a kind is looked for.
type reach struct {
	// all means every namespace; namespaces are then what is left to a user
	// who may not look everywhere.
	all        bool
	namespaces []string
}

func (r reach) wide() bool { return r.all || len(r.namespaces) > narrow }

func (r reach) covers(namespace string) bool {
	return r.all || slices.Contains(r.namespaces, namespace)
}

// look collects what could not be looked at. It is safe for concurrent use.
type look struct {
	mu           sync.Mutex
	gaps         []plan.Gap
	answered     bool
	lost         error // a request nobody answered
	unauthorized error
}

// heard notes the outcome of a request.
func (l *look) heard(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch reason, fatal := connectReason(err); {
	case reason == Unauthorized:
		l.unauthorized = err
	case fatal:
		l.lost = err
	default:
		l.answered = true
	}
}

// miss records a gap.
func (l *look) miss(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gaps = append(l.gaps, gapOf(what, err))
}

// missOptional records a gap that keeps nobody from upgrading.
func (l *look) missOptional(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	gap := gapOf(what, err)
	gap.Optional = true
	l.gaps = append(l.gaps, gap)
}

// gapCount is the number of gaps about a resource.
func (l *look) gapCount(resource string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, g := range l.gaps {
		if strings.HasPrefix(g.What, resource) {
			n++
		}
	}
	return n
}

// sorted are the gaps by what they are about.
func (l *look) sorted() []plan.Gap {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.gaps)
	sortBy(out, func(g plan.Gap) string { return g.What + g.Cause })
	return slices.Compact(out)
}

func gapOf(what string, err error) plan.Gap {
	return plan.Gap{What: what, Cause: err.Error(), Denied: apierrors.IsForbidden(err), Unknown: apierrors.IsUnauthorized(err)}
}

// broken is the request's error that makes the whole look worthless: 401, or
// not one answer.
func (l *look) broken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unauthorized != nil {
		return l.unauthorized
	}
	if !l.answered {
		return l.lost
	}
	return nil
}

// gather lists a kind wherever in reaches and keeps what keep returns. A kind
// the server doesn't know has no objects.
func gather[T, O any](ctx context.Context, l *look, what string, in reach,
	src source[T], o metav1.ListOptions, keep func(*T) (O, bool)) []O {
	if !in.wide() {
		return gatherEach(ctx, l, what, in.namespaces, src, o, keep)
	}
	out, err := pages(ctx, src, "", o, func(item *T) (O, bool) {
		if m, ok := any(item).(metav1.Object); ok && m.GetNamespace() != "" && !in.covers(m.GetNamespace()) {
			var none O
			return none, false
		}
		return keep(item)
	})
	l.heard(err)
	switch {
	case err == nil || apierrors.IsNotFound(err):
		return out
	case !apierrors.IsForbidden(err) || len(in.namespaces) == 0:
		l.miss(what, err)
		return nil
	case in.all:
		l.miss(what+" in all namespaces", err)
	}
	return gatherEach(ctx, l, what, in.namespaces, src, o, keep)
}

func gatherEach[T, O any](ctx context.Context, l *look, what string, namespaces []string,
	src source[T], o metav1.ListOptions, keep func(*T) (O, bool)) []O {
	var all []O
	for _, ns := range namespaces {
		out, err := pages(ctx, src, ns, o, keep)
		l.heard(err)
		if err != nil && !apierrors.IsNotFound(err) {
			l.miss(what+" in "+ns, err)
			continue
		}
		all = append(all, out...)
	}
	return all
}

// pages lists everything page by page, so that only one page of whole objects
// is ever held. Where the server has compacted the snapshot behind a page's
// token the list begins again, in one piece this time.
func pages[T, O any](ctx context.Context, src source[T], namespace string,
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
