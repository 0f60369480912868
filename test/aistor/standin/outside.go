package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Outside plays the operators and webhooks of a cluster whose nodes are
// simulated: their pods are Ready but nothing runs in them. It acts only while
// such a pod is Ready, with the rights of the pod's service account, and as the
// release of the pod's image.
type Outside struct {
	// Client is an administrator's.
	Client *Client
	// Impersonate gives each operator the rights of its service account only.
	Impersonate bool
	// Volumes also binds object stores' claims, where nothing else provisions.
	Volumes bool
	// Switches, Now and Log are as in Operator.
	Switches Switches
	Now      func() time.Time
	Log      io.Writer

	authority []byte
	// operators are those played, by the uid of their pod.
	operators map[string]*Operator
}

// Once checks everything once. All errors are returned together.
func (o *Outside) Once(ctx context.Context) error {
	var failures []error
	operators, err := o.pods(ctx, "object-store-operator")
	failures = append(failures, err)
	o.keep(operators)
	for _, pod := range operators {
		failures = append(failures, o.operate(ctx, pod))
	}
	webhooks, err := o.pods(ctx, "object-store-webhook")
	failures = append(failures, err)
	for _, pod := range webhooks {
		failures = append(failures, o.inject(ctx, pod))
	}
	if o.Volumes {
		failures = append(failures, Provision(ctx, o.Client))
	}
	return errors.Join(failures...)
}

// pods returns one Ready pod for each namespace that has such a deployment: the
// leader where there is one.
func (o *Outside) pods(ctx context.Context, name string) ([]Object, error) {
	all, err := o.Client.List(ctx, Path("v1", "", "pods"), "labelSelector", "aistor.min.io/name="+name)
	if err != nil {
		return nil, fmt.Errorf("listing pods of %q: %w", name, err)
	}
	chosen := map[string]Object{}
	for _, pod := range all {
		current, ok := chosen[pod.Namespace()]
		if ready(pod) && (!ok || current.Label("operator") != "leader") {
			chosen[pod.Namespace()] = pod
		}
	}
	var out []Object
	for _, namespace := range sortedNames(chosen) {
		out = append(out, chosen[namespace])
	}
	return out, nil
}

func (o *Outside) client(pod Object) *Client {
	if !o.Impersonate {
		return o.Client
	}
	return o.Client.As("system:serviceaccount:" + pod.Namespace() + ":" + pod.Text("spec", "serviceAccountName"))
}

// keep forgets the operators whose pods are gone and starts those of new pods.
func (o *Outside) keep(pods []Object) {
	kept := map[string]*Operator{}
	for _, pod := range pods {
		uid := pod.Text("metadata", "uid")
		kept[uid] = o.operators[uid]
		if kept[uid] == nil {
			kept[uid] = &Operator{Client: o.client(pod), Namespace: pod.Namespace(), Release: releaseOf(pod), Watched: watchedBy(pod),
				Switches: o.Switches, Now: o.Now, Log: o.Log}
		}
	}
	o.operators = kept
}

func (o *Outside) operate(ctx context.Context, pod Object) error {
	operator := o.operators[pod.Text("metadata", "uid")]
	if pod.Label("operator") != "leader" {
		if err := operator.Lead(ctx, pod.Name()); err != nil {
			return err
		}
	}
	return operator.Reconcile(ctx)
}

// inject fills the webhook's empty caBundle with an authority nobody serves
// for: the real pod has an address, the simulated one does not.
func (o *Outside) inject(ctx context.Context, pod Object) error {
	if o.authority == nil {
		authority, _, err := certificates("object-store-webhook."+pod.Namespace()+".svc", o.Now())
		if err != nil {
			return err
		}
		o.authority = authority
	}
	return errors.Join(Inject(ctx, o.client(pod), o.authority, false), Unserve(ctx, o.Client))
}

// Every runs once until the context ends, waiting that long between two runs.
// Errors are written, each change of them once.
func Every(ctx context.Context, wait time.Duration, log io.Writer, once func(context.Context) error) {
	last := ""
	for {
		text := ""
		if err := once(ctx); err != nil {
			text = err.Error()
		}
		if text != last && ctx.Err() == nil {
			fmt.Fprintf(log, "error: %s\n", or(text, "none any more"))
		}
		last = text
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
