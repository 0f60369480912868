package plan

import (
	"slices"
	"time"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Node is one node as far as images and scheduling care.
type Node struct {
	Name     string `json:"name"`
	Platform string `json:"platform"` // os/arch, such as linux/amd64
	Ready    bool   `json:"ready"`
	// Cordoned nodes take no new pods.
	Cordoned bool `json:"cordoned,omitempty"`
	// Taints as kubectl shows them: key=value:Effect.
	Taints []string `json:"taints,omitempty"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// InstalledRelease is the newest revision of one Helm release.
type InstalledRelease struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Chart     string `json:"chart"`
	Version   string `json:"version"`
	Revision  int    `json:"revision"`
	// Status is Helm's word: deployed, failed, pending-upgrade, …
	Status string `json:"status"`
	// LastDeployed is the newest revision with status deployed or superseded;
	// 0 where there is none.
	LastDeployed int `json:"lastDeployed,omitempty"`
	// LastVersion is the chart's version in LastDeployed; empty where there is
	// none.
	LastVersion string    `json:"lastVersion,omitempty"`
	Updated     time.Time `json:"updated,omitzero"`
	// Created is when the API server created the newest revision's record.
	Created time.Time `json:"created,omitzero"`
	// ApplyMethod is "ssa" where Helm 4 applied on the server side.
	ApplyMethod string `json:"applyMethod,omitempty"`
	// RecordBytes is the size of the release Secret.
	RecordBytes int `json:"recordBytes,omitempty"`
	// Description is Helm's; an upgrade made here names the chart's digest.
	Description string `json:"description,omitempty"`
	// DeployedManifest and DeployedValues are those of the revision in
	// LastDeployed, where that is not the newest: Helm compares with them,
	// so they say what an upgrade would delete.
	DeployedManifest string         `json:"-"`
	DeployedValues   map[string]any `json:"-"`
	// Values are the user's values. They may hold secrets, so they never
	// leave the process.
	Values map[string]any `json:"-"`
	// Manifest is what the release rendered. It may hold secrets too.
	Manifest string `json:"-"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// PendingReleaseGrace is how long a pending release that no run of ours explains may be
// the work of a Helm that is alive.
const PendingReleaseGrace = 15 * time.Minute

// Store is one ObjectStore.
type Store struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Release is the name of the Helm release whose manifest contains it, empty
	// where none does.
	Release string `json:"release,omitempty"`
	// AnnotatedRelease is the release that its annotations name, where no manifest
	// contains it: Helm would adopt it into that one.
	AnnotatedRelease string `json:"annotatedRelease,omitempty"`
	UID              string `json:"uid,omitempty"`
	// Image and the other references are the object's own; empty means the
	// operator's default.
	Image           images.Ref     `json:"image,omitzero"`
	Images          []images.Image `json:"images,omitempty"` // all fields of the object that name one
	ImagePullSecret string         `json:"imagePullSecret,omitempty"`
	Pools           []Pool         `json:"pools"`
	Health          string         `json:"health,omitempty"` // green, yellow, red or empty
	Message         string         `json:"message,omitempty"`
	State           string         `json:"state,omitempty"`
	DrivesOnline    int            `json:"drivesOnline"`
	DrivesOffline   int            `json:"drivesOffline"`
	DrivesHealing   int            `json:"drivesHealing"`
	Revision        int            `json:"revision,omitempty"`
	// RollingTimeout is spec.rollingTimeoutSeconds; 0 means the default.
	RollingTimeout time.Duration `json:"rollingTimeout,omitempty"`
	LicenseExpires string        `json:"licenseExpires,omitempty"`
	KES            bool          `json:"kes,omitempty"`
	Firewall       bool          `json:"firewall,omitempty"`
	// Object is the whole live object, for the schema checks and the backup.
	Object images.Object `json:"-"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// ServerCount is the number of pods the store asks for.
func (s Store) ServerCount() int {
	n := 0
	for _, p := range s.Pools {
		n += p.Servers
	}
	return n
}

// ServiceName is the name of the ServiceName of the store's servers, which can be
// chosen.
func (s Store) ServiceName() string {
	if name := images.NestedString(s.Object, "spec", "services", "minio", "name"); name != "" {
		return name
	}
	return "minio"
}

// Pool is one pool of a store.
type Pool struct {
	Name        string `json:"name"`
	Servers     int    `json:"servers"`
	StatefulSet string `json:"statefulSet,omitempty"`
	State       string `json:"state,omitempty"`
}

// Workload is a Deployment or StatefulSet of operator, webhook or a store.
type Workload struct {
	ObjectKey `json:",inline"`
	// Store is namespace/name of the ObjectStore it belongs to, empty for the
	// operator's.
	Store    string `json:"store,omitempty"`
	Replicas int    `json:"replicas"`
	Ready    int    `json:"ready"`
	Updated  int    `json:"updated"`
	// Total counts the pods of all revisions, ready or not.
	Total              int   `json:"total,omitempty"`
	Generation         int64 `json:"generation"`
	ObservedGeneration int64 `json:"observed"`
	// Strategy is RollingUpdate, Recreate or OnDelete.
	Strategy string `json:"strategy,omitempty"`
	// ClaimTemplates are the names of a StatefulSet's volumeClaimTemplates, and
	// FirstOrdinal is the number of its first pod.
	ClaimTemplates  []string    `json:"claimTemplates,omitempty"`
	FirstOrdinal    int         `json:"firstOrdinal,omitempty"`
	CurrentRevision string      `json:"currentRevision,omitempty"`
	UpdateRevision  string      `json:"updateRevision,omitempty"`
	Containers      []Container `json:"containers"`
	PullSecrets     []string    `json:"pullSecrets,omitempty"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// Pod is one pod of operator, webhook or a store.
type Pod struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
	// Store as in [Workload].
	Store string `json:"store,omitempty"`
	// Owner is what controls the pod, as Kind/name.
	Owner string `json:"owner,omitempty"`
	// Workload is the Deployment, as Kind/name, where Owner is its ReplicaSet.
	Workload       string      `json:"workload,omitempty"`
	Node           string      `json:"node,omitempty"`
	Phase          string      `json:"phase"`
	Ready          bool        `json:"ready"`
	Created        time.Time   `json:"created,omitzero"`
	Terminating    time.Time   `json:"terminating,omitzero"` // deletionTimestamp
	Revision       string      `json:"revision,omitempty"`   // controller-revision-hash
	ServiceAccount string      `json:"serviceAccount,omitempty"`
	Containers     []Container `json:"containers"`
	PullSecrets    []string    `json:"pullSecrets,omitempty"`
}

// IsKES reports whether the pod is one of a store's key servers, which serve no
// objects.
func (p Pod) IsKES() bool {
	return slices.ContainsFunc(p.Containers, func(c Container) bool { return c.Name == "kes" })
}

// Container is a container as the spec asks and, for a pod, as the node runs.
type Container struct {
	Name string `json:"name"`
	// Init containers with Restartable set are native sidecars.
	Init        bool   `json:"init,omitempty"`
	Restartable bool   `json:"restartable,omitempty"`
	Image       string `json:"image"`
	// ImageID is what the node reports; empty before it runs.
	ImageID  string `json:"imageID,omitempty"`
	Ready    bool   `json:"ready,omitempty"`
	Restarts int    `json:"restarts,omitempty"`
	// Reason and Message are those of a waiting or failed container.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// Claim is a PersistentVolumeClaim of a store.
type Claim struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
	// Store is namespace/name of the ObjectStore whose data it holds.
	Store string `json:"store,omitempty"`
	Phase string `json:"phase"`
	// Volume is the name of its PersistentVolume; empty while it has none.
	Volume string `json:"volume,omitempty"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// Volume is a PersistentVolume that a store's claim is bound to, or was.
type Volume struct {
	Name  string `json:"name"`
	Phase string `json:"phase"`
	// ReclaimPolicy is Retain, Delete or Recycle: what becomes of the data once
	// the claim is gone.
	ReclaimPolicy string `json:"reclaimPolicy,omitempty"`
	// ClaimNamespace, ClaimName and ClaimUID are spec.claimRef.
	ClaimNamespace string `json:"claimNamespace,omitempty"`
	ClaimName      string `json:"claimName,omitempty"`
	ClaimUID       string `json:"claimUID,omitempty"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// Namespace is one namespace that AIStor is in.
type Namespace struct {
	Name string `json:"name"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// MarkedObject is an object that is marked for deletion.
type MarkedObject struct {
	ObjectKey `json:",inline"`
	// Finalizers are what has to be taken away before it is gone.
	Finalizers []string `json:"finalizers,omitempty"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// Service is a Service with the number of its ready endpoints.
type Service struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	Ports     []int  `json:"ports,omitempty"`
	Ready     int    `json:"ready"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// Binding is a ClusterRoleBinding or RoleBinding; its role can never change.
type Binding struct {
	ObjectKey `json:",inline"`
	RoleKind  string `json:"roleKind"`
	RoleName  string `json:"roleName"`
	// Release is namespace/name of the Helm release that owns it.
	Release string `json:"release,omitempty"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// CRD is a CustomResourceDefinition of AIStor.
type CRD struct {
	Name        string   `json:"name"`
	Established bool     `json:"established"`
	Keep        bool     `json:"keep"`              // helm.sh/resource-policy: keep
	Release     string   `json:"release,omitempty"` // namespace/name
	Served      []string `json:"served,omitempty"`
	Stored      []string `json:"stored,omitempty"`
	// Object is the whole definition, for schema checks and the backup.
	Object images.Object `json:"-"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// Webhook is one mutating webhook of AIStor.
type Webhook struct {
	Configuration string `json:"configuration"`
	Name          string `json:"name"`
	// CABundle is its length in bytes; 0 means nobody filled it yet.
	CABundle      int    `json:"caBundle"`
	FailurePolicy string `json:"failurePolicy"`
	Service       string `json:"service,omitempty"` // namespace/name
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// PullSecret is a Secret that pods name for pulling, or that the plan wants.
type PullSecret struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Present   bool   `json:"present"`
	Type      string `json:"type,omitempty"`
	// Data is .dockerconfigjson.
	Data Sensitive `json:"-"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// ServiceAccount is a ServiceAccount's own pull secrets.
type ServiceAccount struct {
	Namespace   string   `json:"namespace"`
	Name        string   `json:"name"`
	PullSecrets []string `json:"pullSecrets,omitempty"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// License is what Secret minio-license says of itself, unverified.
type License struct {
	Namespace string `json:"namespace"`
	// Release is namespace/name of the Helm release that owns the Secret,
	// empty where it was made manually.
	Release string    `json:"release,omitempty"`
	Present bool      `json:"present"`
	Token   Sensitive `json:"-"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// DisruptionBudget is a PodDisruptionBudget of a store.
type DisruptionBudget struct {
	Namespace          string `json:"namespace"`
	Name               string `json:"name"`
	DisruptionsAllowed int    `json:"disruptionsAllowed"`
	// Terminating is the deletionTimestamp; zero where there is none.
	Terminating time.Time `json:"terminating,omitzero"`
}

// Event is a recent warning about one of the objects above.
type Event struct {
	Object  ObjectKey `json:"object"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Count   int       `json:"count"`
	Last    time.Time `json:"last,omitzero"`
}

// GitOpsOwner says that a release is reconciled by Flux or Argo CD, which
// would revert what another client does to it.
type GitOpsOwner struct {
	// Release is namespace/name.
	Release string `json:"release"`
	// Tool is "Flux" or "Argo CD"; By is the object that reconciles.
	Tool       string    `json:"tool"`
	Reconciler ObjectKey `json:"reconciler"`
}
