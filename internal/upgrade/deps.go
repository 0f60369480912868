package upgrade

import (
	"context"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/aistor-upgrade/aistor-upgrade/internal/lease"
	"github.com/aistor-upgrade/aistor-upgrade/internal/redact"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
	"github.com/aistor-upgrade/aistor-upgrade/pkg/plan"
)

// Deps are the parts an [Executor] works with. Helm, Cluster, Lease,
// Client and Objects are required; Prober may be nil.
type Deps struct {
	Helm    Helm
	Cluster Cluster
	// Lease is what this run must hold to write anything; it is not acquired
	// yet. The clients of all other parts are to be behind its fence.
	Lease *lease.Lease
	// Client keeps the journal and reads logs of failing pods.
	Client   kubernetes.Interface
	Bindings BindingClient
	// Prober asks stores whether they serve. Without it availability is
	// reported as unknown.
	Prober AvailabilityProber
	// Redactor knows the secrets that are taken out of events, errors, journal,
	// backup and evidence; the executor teaches it those it finds. The default
	// is one of its own.
	Redactor *redact.Redactor
}

// Helm is what the executor asks of Helm releases. Upgrade, MarkFailed,
// Rollback and DeleteRollbackRecord are called with a context that nobody cancels, because a Helm
// operation that is cut off leaves a release pending.
type Helm interface {
	// GetRelease is the newest revision of a release.
	GetRelease(ctx context.Context, namespace, name string) (HelmRelease, error)
	// Deployed is the manifest of the newest revision that was carried through.
	Deployed(ctx context.Context, namespace, name string) (manifest string, err error)
	// Upgrade executes one `helm upgrade` and returns the new revision. It
	// need not wait for workloads.
	Upgrade(ctx context.Context, r UpgradeRequest) (HelmRelease, error)
	// MarkFailed gives a pending revision the status failed. It refuses one
	// that is not the newest any more.
	MarkFailed(ctx context.Context, namespace, name string, revision int) error
	// Rollback goes back to a revision, as `helm rollback` does: the new
	// revision's description is [journal.RollbackDescription].
	Rollback(ctx context.Context, r RollbackRequest) error
	// DeleteRollbackRecord removes the record of a revision that is a rollback which did not
	// reach its end. It refuses one that is not the newest, and one of any
	// other kind.
	DeleteRollbackRecord(ctx context.Context, namespace, name string, revision int) error
}

// HelmRelease is one revision of a Helm release.
type HelmRelease struct {
	Chart, Version string
	// Status is Helm's word: deployed, failed, pending-upgrade, …
	Status   string
	Revision int
	// Updated is when Helm began to make this revision; zero where unknown.
	Updated time.Time
	// ValuesDigest is [plan.ValuesDigest] of the user's values.
	ValuesDigest string
	Description  string
	// Values are the user's values, where known: comparing them finds a new
	// license that the digest, which leaves secrets out, cannot show.
	Values map[string]any `json:"-"`
}

// UpgradeRequest is one `helm upgrade`.
type UpgradeRequest struct {
	Namespace, Name string
	Chart           plan.ChartRef
	// ChartDigest names the bytes of the chart: "sha256:…".
	ChartDigest string
	// Values are complete and may hold secrets.
	Values map[string]any `json:"-"`
	// Description is recorded with the revision.
	Description string
	// MaxHistory is the number of revisions kept; 0 leaves it to Helm.
	MaxHistory int
	Timeout    time.Duration
}

// RollbackRequest is one `helm rollback`.
type RollbackRequest struct {
	Namespace, Name string
	// Revision is the one to go back to.
	Revision int
	// MaxHistory is the number of revisions kept; 0 leaves it to Helm.
	MaxHistory int
	Timeout    time.Duration
}

// Cluster yields facts.
type Cluster interface {
	// Facts collects everything once, in its newest state.
	Facts(ctx context.Context) (*plan.Facts, error)
	// Deletions looks once at what is being deleted in the scope's namespaces
	// and among the given objects, without a request for each pod.
	Deletions(ctx context.Context, s Scope, objects []plan.ObjectKey) (*plan.Facts, error)
	// Marked looks which of the objects are marked for deletion.
	Marked(ctx context.Context, objects []plan.ObjectKey) ([]plan.MarkedObject, error)
	// AddStoreSecrets reads the wanted Secrets of object stores into f.
	AddStoreSecrets(ctx context.Context, f *plan.Facts, wanted []plan.ObjectKey) error
	// Watch keeps facts about workloads, pods, volume claims, stores, services
	// and webhooks up to date until Stop. It returns once the first snapshot is complete,
	// and it outlives an API server that goes away for a while.
	Watch(ctx context.Context, s Scope) (ClusterWatcher, error)
}

// Scope limits a watch.
type Scope struct {
	// Namespaces of the operator and of the stores, sorted.
	Namespaces []string
}

// ClusterWatcher keeps facts up to date. It is used by one goroutine at a time.
type ClusterWatcher interface {
	// Snapshot is the newest state; nobody changes it afterwards.
	Snapshot() *plan.Facts
	// Changed receives after the snapshot changed. Several changes may be
	// one receive.
	Changed() <-chan struct{}
	Stop()
}

// BindingClient reads and replaces the bindings of a recreate-bindings step.
type BindingClient interface {
	// Get is nil without an error where the object is absent.
	Get(ctx context.Context, key plan.ObjectKey) (images.Object, error)
	// Delete removes the object only if it is still the one with this uid
	// and resourceVersion. An absent object is not an error.
	Delete(ctx context.Context, key plan.ObjectKey, uid, resourceVersion string) error
	// Create brings an object back. One that exists is an error.
	Create(ctx context.Context, o images.Object) error
}

// AvailabilityProber asks one store, by namespace/name, whether it serves writes. A nil
// error means that it does; ErrNotProbed means that it couldn't be asked.
type AvailabilityProber interface {
	Probe(ctx context.Context, store string) error
	// EndpointOf is the address at which a store is asked, without a password; empty
	// means through the API server.
	EndpointOf(store string) string
}
