package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/pulltest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// The places from which a registry is looked at.
const (
	viewHere  = "here"
	viewNodes = "nodes"
)

// pullOptions say whether nodes pull for a test, and whose view of the registry
// counts.
type pullOptions struct {
	test, prepull bool
	view          string
	timeout       time.Duration
	concurrency   int
}

func (o *pullOptions) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.test, "pull-test", false, "let the nodes that run AIStor pull every image, by short pods that execute nothing")
	fs.BoolVar(&o.prepull, "prepull", false, "like --pull-test on every node that AIStor's pods may run on, without hurry")
	fs.StringVar(&o.view, "registry-view", viewHere, "here, or nodes where this machine has no route to the registry")
	fs.DurationVar(&o.timeout, "pull-timeout", 0, "how long one node may take (default 5m, with --prepull 30m)")
	fs.IntVar(&o.concurrency, "pull-concurrency", 8, "nodes that pull at once")
}

func (o *pullOptions) validate() error {
	switch {
	case o.view != viewHere && o.view != viewNodes:
		return fmt.Errorf("reading --registry-view %q: expected %s or %s", o.view, viewHere, viewNodes)
	case o.view == viewNodes && !o.wanted():
		return withHint(errors.New("reading --registry-view nodes: nodes answer only when they are asked"),
			"add --pull-test, which starts short pods on them")
	case o.concurrency < 1:
		return fmt.Errorf("reading --pull-concurrency %d: expected 1 or more", o.concurrency)
	}
	return nil
}

// wanted reports whether nodes are to pull.
func (o *pullOptions) wanted() bool { return o.test || o.prepull }

// equip gives a subject what looks at the registry: the nodes where they are
// asked, and nothing here where only they may be.
// The rights to start pods are reviewed with the others.
func (o *pullOptions) equip(ctx context.Context, p *Program, kube genericclioptions.RESTClientGetter, c *cluster.Client, s *preflight.Subject) error {
	if o.view == viewNodes {
		s.Registry = nil
	}
	if !o.wanted() {
		return nil
	}
	puller, err := o.puller(p, kube)
	if err != nil {
		return err
	}
	s.Puller, s.SpareNodes = heldPuller{p, puller}, o.prepull
	s.Access = append(s.Access, c.Access(ctx, preflight.PullRights(preflight.NodePulls(s, o.prepull)))...)
	return nil
}

// puller connects to the cluster for a pull test. What comes in is told on
// stderr.
func (o *pullOptions) puller(p *Program, kube genericclioptions.RESTClientGetter) (*pulltest.Runner, error) {
	config, err := kube.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	timeout := o.timeout
	if timeout == 0 && o.prepull {
		timeout = 30 * time.Minute
	}
	return pulltest.New(pulltest.Options{
		Client: client, Run: newRunID(), Concurrency: o.concurrency, Timeout: timeout,
		OnAnswer: func(n preflight.NodePull, a preflight.NodeAnswer, took time.Duration) { tellPull(p, n, a, took) },
	}), nil
}

// tellPull says how one node did; what it was refused stands in the report.
func tellPull(p *Program, n preflight.NodePull, a preflight.NodeAnswer, took time.Duration) {
	pulled := 0
	for _, err := range a.Images {
		if err == nil {
			pulled++
		}
	}
	line(p.ErrOut, "node %s pulled %d of %d for %s in %s", printable(n.Node), pulled, len(n.Images), n.Namespace, took.Round(100*time.Millisecond))
}

// newRunID tells one run's objects from another's.
func newRunID() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b)
	return strings.ToLower(hex.EncodeToString(b))
}
