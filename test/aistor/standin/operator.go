package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Operator plays the object store operator of one namespace.
type Operator struct {
	// Client has the rights of the operator's service account.
	Client *Client
	// Namespace is the operator's, Release the tag of the image its pod runs.
	Namespace, Release string
	// Watched are the namespaces checked; empty means all.
	Watched []string
	// Switches are the defaults below the live ConfigMap.
	Switches Switches
	// Now is the clock.
	Now func() time.Time
	// Log takes one line for each thing done.
	Log io.Writer

	config settled
}

// settled is a configuration that stopped changing.
type settled struct {
	// current is what the operator works with, empty before its first look.
	current Config
	// next is the digest of what it saw last, since when it sees it.
	next  string
	since time.Time
}

// take returns the configuration to work with: at the first look what is there,
// later what has not changed for the delay. So an operator that is about to be
// replaced does not act on the ConfigMap of the next.
func (s *settled) take(seen Config, delay time.Duration, now time.Time) Config {
	if digest := hash(seen); digest != s.next {
		s.next, s.since = digest, now
	}
	if s.current == nil || now.Sub(s.since) >= delay {
		s.current = seen
	}
	return s.current
}

// Reconcile checks every object store once and brings it nearer to its wish.
// A store's trouble does not keep it from the others; all errors are returned.
func (o *Operator) Reconcile(ctx context.Context) error {
	live, err := o.Client.Get(ctx, Path("v1", o.Namespace, "configmaps", "standin"))
	if err != nil && !hasCode(err, http.StatusNotFound) {
		return fmt.Errorf("reading switches: %w", err)
	}
	switches := o.Switches.With(func(key string) string { return live.Text("data", key) })
	if switches.Paused {
		return nil
	}
	configMap, err := o.Client.Get(ctx, Path("v1", o.Namespace, "configmaps", "object-store-operator"))
	if err != nil {
		return fmt.Errorf("reading configuration: %w", err)
	}
	config, err := ParseConfig(configMap)
	if err != nil {
		return err
	}
	config = o.config.take(config, switches.ConfigMapDelay, o.Now())
	stores, err := o.stores(ctx)
	if err != nil {
		return fmt.Errorf("listing object stores: %w", err)
	}
	var failures []error
	for _, store := range stores {
		run := &run{Operator: o, store: store, config: config, switches: switches}
		if err := run.reconcile(ctx); err != nil {
			failures = append(failures, fmt.Errorf("reconciling object store %q: %w", store.Namespace()+"/"+store.Name(), err))
		}
	}
	return errors.Join(failures...)
}

func (o *Operator) stores(ctx context.Context) ([]Object, error) {
	if len(o.Watched) == 0 {
		return o.Client.List(ctx, Path("aistor.min.io/v1", "", "objectstores"))
	}
	var all []Object
	for _, namespace := range o.Watched {
		stores, err := o.Client.List(ctx, Path("aistor.min.io/v1", namespace, "objectstores"))
		if err != nil {
			return nil, err
		}
		all = append(all, stores...)
	}
	return all, nil
}

// Lead labels the pod as the leader, which gives Service object-store-operator
// its endpoint.
func (o *Operator) Lead(ctx context.Context, pod string) error {
	part := Object{"metadata": map[string]any{"labels": map[string]any{"operator": "leader"}}}
	if err := o.Client.Patch(ctx, Path("v1", o.Namespace, "pods", pod), part); err != nil {
		return fmt.Errorf("labelling leader %q: %w", pod, err)
	}
	return nil
}

func (o *Operator) logf(format string, args ...any) {
	fmt.Fprintf(o.Log, "%s operator %s/%s: %s\n", o.Now().UTC().Format(time.RFC3339), o.Namespace, o.Release, fmt.Sprintf(format, args...))
}

// releaseOf returns the tag of the pod's controller image.
func releaseOf(pod Object) string {
	for _, c := range pod.List("spec", "containers") {
		if c.Text("name") == "controller" {
			return tag(c.Text("image"))
		}
	}
	return ""
}

// watchedBy returns the namespaces the pod is told to watch.
func watchedBy(pod Object) []string {
	for _, c := range pod.List("spec", "containers") {
		for _, e := range c.List("env") {
			if e.Text("name") == "WATCHED_NAMESPACES" && e.Text("value") != "" {
				return strings.Split(e.Text("value"), ",")
			}
		}
	}
	return nil
}
