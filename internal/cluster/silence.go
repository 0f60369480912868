package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/aistor-upgrade/aistor-upgrade/internal/httptimeout"
)

// apiServer is how the API server is called where it is silent.
const apiServer = "the API server"

// LimitSilence bounds how long the API server may stay silent for all clients
// that are made from config: those of this package, of the executor and of
// Helm. client-go itself only notices that a connection over HTTP/2 is dead,
// and a proxy may make HTTP/1.1 of it.
//
// Every request has the limits, watches that of [httptimeout.Limits.Watch], and
// only connections in which silence means nothing have none: exec, attach,
// port-forward, and logs that are followed. tell may be nil.
func LimitSilence(config *rest.Config, limits httptimeout.Limits, tell func(httptimeout.Silence)) *rest.Config {
	config.Wrap(func(base http.RoundTripper) http.RoundTripper {
		return &httptimeout.Transport{
			Base: base, Limits: limits, OnSilence: tell, Kind: requestKind,
			Server: func(*http.Request) string { return apiServer },
		}
	})
	return config
}

// requestKind tells requests whose answers end from those that stay open.
func requestKind(r *http.Request) httptimeout.Kind {
	q, last := r.URL.Query(), r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	switch {
	case strings.EqualFold(r.Header.Get("Connection"), "Upgrade"), last == "exec", last == "attach", last == "portforward",
		last == "log" && isTrue(q.Get("follow")):
		return httptimeout.Stream
	case isTrue(q.Get("watch")), strings.Contains(r.URL.Path, "/v1/watch/"):
		return httptimeout.Watch
	}
	return httptimeout.Small
}

func isTrue(s string) bool { return s == "true" || s == "1" }

// versionTimeout is how long the first question of a look may take, and how soon
// a watch that is not answered is told from a server that is silent.
const versionTimeout = 15 * time.Second

// noAnswer replaces the end of a context of ours by what it means.
func noAnswer(asking context.Context, limit time.Duration, err error) error {
	if errors.Is(asking.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no response from %s within %s", apiServer, limit)
	}
	return err
}

// beginWatch is [begin] for a watch of live. One that is never answered says
// nothing by itself, as some proxies pass nothing on before the first event. A
// server that answers another question meanwhile is there: the watch is then
// begun again, from a list, without a word.
func (l *Watcher) beginWatch(ctx context.Context, what string, start func(context.Context, metav1.ListOptions) (watch.Interface, error), o metav1.ListOptions) (watch.Interface, error) {
	events, err := startWatch(ctx, start, o)
	var silent *httptimeout.Error
	if !errors.As(err, &silent) {
		return events, err
	}
	if _, lost := l.client.serverVersion(ctx); lost != nil {
		l.recordError(ctx, what, err)
	}
	return events, err
}
