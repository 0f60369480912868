package plan

import (
	"strings"
	"time"
)

// Facts are the observed state of a cluster. They are data: checks and
// [Build] read them, nobody changes them, so they may be shared between
// goroutines. What could not be read is in Gaps, never silently absent.
type Facts struct {
	// Context is the kubeconfig context in use, for people; "in-cluster" in a
	// pod without one.
	Context string `json:"context,omitempty"`
	// Server is the API server's address, for people.
	Server string `json:"server,omitempty"`
	// ClusterUID is the uid of namespace kube-system: it tells clusters apart.
	ClusterUID string `json:"clusterUID,omitempty"`
	// ServerVersion is the API server's gitVersion.
	ServerVersion string `json:"serverVersion"`
	// User is who the API server says we are, empty where it would not say.
	User string `json:"user,omitempty"`

	Nodes    []Node             `json:"nodes,omitempty"`
	Operator *InstalledRelease  `json:"operator,omitempty"`
	Releases []InstalledRelease `json:"releases,omitempty"` // every other AIStor release, sorted
	Stores   []Store            `json:"objectStores,omitempty"`
	// OtherOperators are the namespaces, beside that of Operator, in which pods
	// of an object store operator are, sorted.
	OtherOperators []string `json:"otherOperators,omitempty"`

	// Namespaces are the operator's and the stores' own.
	Namespaces []Namespace `json:"namespaces,omitempty"`

	Workloads   []Workload   `json:"workloads,omitempty"`
	Pods        []Pod        `json:"pods,omitempty"`
	Claims      []Claim      `json:"claims,omitempty"`
	Volumes     []Volume     `json:"volumes,omitempty"`
	Services    []Service    `json:"services,omitempty"`
	Bindings    []Binding    `json:"bindings,omitempty"`
	CRDs        []CRD        `json:"crds,omitempty"`
	Webhooks    []Webhook    `json:"webhooks,omitempty"`
	PullSecrets []PullSecret `json:"pullSecrets,omitempty"`
	// StoreSecrets are those that a change may concern, where one is planned.
	StoreSecrets      []StoreSecret      `json:"storeSecrets,omitempty"`
	ServiceAccounts   []ServiceAccount   `json:"serviceAccounts,omitempty"`
	License           *License           `json:"license,omitempty"`
	DisruptionBudgets []DisruptionBudget `json:"budgets,omitempty"`
	WarningEvents     []Event            `json:"warnings,omitempty"`
	GitOpsOwners      []GitOpsOwner      `json:"gitOpsOwners,omitempty"`

	// Marked are the objects of the releases' manifests that are marked for
	// deletion and of a kind that is in none of the lists above.
	Marked []MarkedObject `json:"marked,omitempty"`

	// HealthAnswers are what the stores' own health endpoints said, where they were
	// asked.
	HealthAnswers []HealthAnswer `json:"healthAnswers,omitempty"`
	// LogsRead is how many containers of the operator had their log read, and
	// LogErrors what these tell of.
	LogsRead  int        `json:"logsRead,omitempty"`
	LogErrors []LogError `json:"logErrors,omitempty"`
	// Namespace is the only one that was read; empty means that
	// everything was.
	Namespace string `json:"namespace,omitempty"`

	// Gaps is what could not be read. A check that needs one of them
	// reports an error, never a pass.
	Gaps []Gap `json:"gaps,omitempty"`
}

// Gap is one read that failed.
type Gap struct {
	// Subject is a resource in plural, with its namespace where it has one:
	// "pods in team-a", "nodes".
	Subject string `json:"subject"`
	// Cause is the API server's answer.
	Cause string `json:"cause"`
	// Denied says the cause was missing rights (403), not a failure.
	Denied bool `json:"denied,omitempty"`
	// Unauthenticated says that the API server does not know, or no longer, who asked
	// (401).
	Unauthenticated bool `json:"unauthenticated,omitempty"`
	// Optional says that a user without this right can upgrade all the same:
	// what was not read is reported as skipped, not as an error.
	Optional bool `json:"optional,omitempty"`
}

// InNamespace reports whether a gap is about something in this namespace.
func (g Gap) InNamespace(namespace string) bool {
	return strings.HasSuffix(g.Subject, " in "+namespace) || strings.Contains(g.Subject, " "+namespace+"/")
}

// HealthAnswer is what one store's health endpoint said.
type HealthAnswer struct {
	// Store is namespace/name.
	Store string `json:"store"`
	// State is ok, unavailable or unknown. Unknown says nothing about the
	// store: the question did not get through.
	State string `json:"state"`
	// Status is the HTTP status, 0 where nobody answered.
	Status int    `json:"status,omitempty"`
	Cause  string `json:"cause,omitempty"`
	// Address is the address that was asked; empty means through the API server.
	Address string `json:"address,omitempty"`
}

// LogError is one error that a container of the operator wrote, without
// secrets. Lines that differ in numbers only are one.
type LogError struct {
	Pod       ObjectKey `json:"pod"`
	Container string    `json:"container"`
	Message   string    `json:"message"`
	Count     int       `json:"count"`
	Last      time.Time `json:"last,omitzero"`
}

// ObjectKey names one object.
type ObjectKey struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name"`
}

// String is "Kind/name" or "Kind/namespace/name".
func (k ObjectKey) String() string {
	if k.Namespace == "" {
		return k.Kind + "/" + k.Name
	}
	return k.Kind + "/" + k.Namespace + "/" + k.Name
}

// Compare orders by kind, namespace, name and version.
func (k ObjectKey) Compare(o ObjectKey) int {
	for _, pair := range [...][2]string{{k.Kind, o.Kind}, {k.Namespace, o.Namespace}, {k.Name, o.Name}} {
		if d := strings.Compare(pair[0], pair[1]); d != 0 {
			return d
		}
	}
	return strings.Compare(k.APIVersion, o.APIVersion)
}

// Sensitive is data that is never printed: every formatting verb and encoder
// shows "[redacted]".
type Sensitive []byte

// String hides the content.
func (Sensitive) String() string { return "[redacted]" }

// GoString hides the content.
func (Sensitive) GoString() string { return "[redacted]" }

// MarshalText hides the content.
func (Sensitive) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }
