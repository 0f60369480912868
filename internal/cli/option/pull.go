package option

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

	"github.com/aistor-upgrade/aistor-upgrade/internal/cli/term"
	"github.com/aistor-upgrade/aistor-upgrade/internal/cluster"
	"github.com/aistor-upgrade/aistor-upgrade/internal/pulltest"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/preflight"
)

// heldPuller has pods on the cluster while it pulls, which it removes.
type heldPuller struct {
	program *term.Program
	preflight.Puller
}

// Pull implements preflight.Puller.
func (h heldPuller) Pull(ctx context.Context, list []preflight.NodePull) []preflight.NodePullResult {
	defer h.program.BeginChange()()
	return h.Puller.Pull(ctx, list)
}

// The places from which a registry is checked.
const (
	viewHere  = "here"
	viewNodes = "nodes"
)

// Pull say whether nodes pull for a test, and whose view of the registry
// counts.
type Pull struct {
	test, prepull bool
	view          string
	timeout       time.Duration
	concurrency   int
}

// AddFlags registers the flags of the group.
func (o *Pull) AddFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.test, "pull-test", false, "pull every image on the nodes that run AIStor, with short-lived pods that run no AIStor code")
	fs.BoolVar(&o.prepull, "prepull", false, "pull every image on every node that AIStor pods may run on, with a longer timeout")
	fs.StringVar(&o.view, "registry-view", viewHere, "check the registry from: here, or nodes if this machine cannot reach it")
	fs.DurationVar(&o.timeout, "pull-timeout", 0, "timeout per node (default 5m, with --prepull 30m)")
	fs.IntVar(&o.concurrency, "pull-concurrency", 8, "number of nodes that pull in parallel")
}

// Validate refuses flags that contradict each other.
func (o *Pull) Validate() error {
	switch {
	case o.view != viewHere && o.view != viewNodes:
		return fmt.Errorf("reading --registry-view %q: expected %s or %s", o.view, viewHere, viewNodes)
	case o.view == viewNodes && !o.isEnabled():
		return term.WithHint(errors.New("--registry-view nodes requires --pull-test or --prepull"),
			"add --pull-test, which starts short-lived pods on the nodes")
	case o.concurrency < 1:
		return fmt.Errorf("reading --pull-concurrency %d: expected 1 or more", o.concurrency)
	}
	return nil
}

// isEnabled reports whether nodes are to pull.
func (o *Pull) isEnabled() bool { return o.test || o.prepull }

// ConfigureSubject sets how the registry is checked: by the nodes where they are
// asked, and nothing here where only they may be.
// The rights to start pods are reviewed with the others.
func (o *Pull) ConfigureSubject(ctx context.Context, p *term.Program, kube genericclioptions.RESTClientGetter, c *cluster.Client, s *preflight.Subject) error {
	if o.view == viewNodes {
		s.Registry = nil
	}
	if !o.isEnabled() {
		return nil
	}
	puller, err := o.newPuller(p, kube)
	if err != nil {
		return err
	}
	s.Puller, s.SpareNodes = heldPuller{p, puller}, o.prepull
	s.Permissions = append(s.Permissions, c.ReviewPermissions(ctx, preflight.PullPermissions(preflight.NodePulls(s, o.prepull)))...)
	return nil
}

// newPuller connects to the cluster for a pull test. What comes in is told on
// stderr.
func (o *Pull) newPuller(p *term.Program, kube genericclioptions.RESTClientGetter) (*pulltest.Runner, error) {
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
		OnAnswer: func(n preflight.NodePull, a preflight.NodePullResult, took time.Duration) { printPull(p, n, a, took) },
	}), nil
}

// printPull says how one node did; what it was refused is in the report.
func printPull(p *term.Program, n preflight.NodePull, a preflight.NodePullResult, took time.Duration) {
	pulled := 0
	for _, err := range a.Images {
		if err == nil {
			pulled++
		}
	}
	term.PrintLine(p.ErrOut, "node %s pulled %d of %d for %s in %s", term.SanitizeText(n.Node), pulled, len(n.Images), n.Namespace, took.Round(100*time.Millisecond))
}

// newRunID tells one run's objects from another's.
func newRunID() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b)
	return strings.ToLower(hex.EncodeToString(b))
}
