package cluster

import (
	"context"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/watch"
)

// errorKey finds, in a request's context, where its error is noted.
type errorKey struct{}

// errorRecorder is a transport that records errors in the request's context.
type errorRecorder struct{ next http.RoundTripper }

func newErrorRecorder(next http.RoundTripper) http.RoundTripper { return errorRecorder{next} }

// RoundTrip implements [http.RoundTripper].
func (n errorRecorder) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := n.next.RoundTrip(r)
	if note, ok := r.Context().Value(errorKey{}).(*error); ok {
		*note = err
	}
	return answer, err
}

// WrappedRoundTripper gives client-go the wrapped transport.
func (n errorRecorder) WrappedRoundTripper() http.RoundTripper { return n.next }

var _ utilnet.RoundTripperWrapper = errorRecorder{}

// startWatch starts a watch, and returns an error where it did not start. client-go takes a
// connection that was closed before any answer for a watch without events: a
// load balancer before a server that is away closes them all, and would be asked
// again without any pause while nothing seems to be wrong.
func startWatch(ctx context.Context, start func(context.Context, metav1.ListOptions) (watch.Interface, error), o metav1.ListOptions) (watch.Interface, error) {
	var failed error
	events, err := start(context.WithValue(ctx, errorKey{}, &failed), o)
	if err == nil && failed != nil {
		events.Stop()
		return nil, failed
	}
	return events, err
}
