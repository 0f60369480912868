package workflow

import (
	"fmt"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/internal/upgrade"
)

// leaseTermVariable shortens the lease's term for tests that wait for it to
// expire. It does no harm elsewhere: a run with a short term waits for the whole
// term of another one before it takes over.
const leaseTermVariable = "AISTOR_UPGRADE_TEST_LEASE_TERM"

// fencedKube connects to the cluster for a run that changes it: its clients
// write nothing without the run's lease.
type fencedKube struct {
	genericclioptions.RESTClientGetter
	lease  *lease.Lease
	config *rest.Config
}

// ToRESTConfig is the fenced configuration.
func (f *fencedKube) ToRESTConfig() (*rest.Config, error) { return rest.CopyConfig(f.config), nil }

// Fence makes this run's lease, once, and a connection behind it. It sends
// nothing.
func (o *RunOptions) Fence(t *Target) (*fencedKube, error) {
	if o.fenced != nil {
		return o.fenced, nil
	}
	config, err := o.Kube.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("reading kubeconfig: %w", err)
	}
	own := rest.CopyConfig(config)
	own.QPS = -1 // renewing must not queue behind anything
	client, err := kubernetes.NewForConfig(own)
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	f := &fencedKube{RESTClientGetter: o.Kube, lease: lease.New(lease.Options{
		Client: client, Namespace: upgrade.Home(&t.Inputs), Also: t.Inputs.LeaseNamespaces(), Holder: lease.NewHolder(), HolderGone: lease.HolderGone, Term: o.leaseTerm(),
	})}
	if f.config, err = f.lease.Fence(config); err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	o.fenced = f
	return f, nil
}

// leaseTerm is the lease's own default where nothing, or nothing usable, is set.
func (o *RunOptions) leaseTerm() time.Duration {
	term, err := time.ParseDuration(o.Getenv(leaseTermVariable))
	if err != nil || term < 2*time.Second || term > time.Minute {
		return 0
	}
	return term.Truncate(time.Second)
}
