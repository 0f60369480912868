package cluster

import (
	"context"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/watch"
)

// noteKey finds, in a request's context, where its error is noted.
type noteKey struct{}

// noted is a transport that notes errors for whoever asks for them.
type noted struct{ next http.RoundTripper }

func noting(next http.RoundTripper) http.RoundTripper { return noted{next} }

// RoundTrip implements [http.RoundTripper].
func (n noted) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := n.next.RoundTrip(r)
	if note, ok := r.Context().Value(noteKey{}).(*error); ok {
		*note = err
	}
	return answer, err
}

// WrappedRoundTripper lets client-go look behind it.
func (n noted) WrappedRoundTripper() http.RoundTripper { return n.next }

var _ utilnet.RoundTripperWrapper = noted{}

// begin starts a watch, and says so where it did not start. client-go takes a
// connection that was closed before any answer for a watch without events: a
// load balancer before a server that is away closes them all, and would be asked
// again without any pause while nothing seems to be wrong.
func begin(ctx context.Context, start func(context.Context, metav1.ListOptions) (watch.Interface, error), o metav1.ListOptions) (watch.Interface, error) {
	var failed error
	events, err := start(context.WithValue(ctx, noteKey{}, &failed), o)
	if err == nil && failed != nil {
		events.Stop()
		return nil, failed
	}
	return events, err
}
