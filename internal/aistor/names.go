package aistor

import "k8s.io/apimachinery/pkg/runtime/schema"

// Names of the published charts. The operator chart was renamed at 5.2.0; a
// repository that still serves the old name hands out 5.1.0 as its latest.
const (
	OperatorChart    = "aistor-operator"
	OperatorChartOld = "aistor-objectstore-operator"
	ObjectStoreChart = "aistor-objectstore"
	// OperatorRenamedAt is the first version under OperatorChart.
	OperatorRenamedAt = "5.2.0"
)

// Names the vendor's installation pages use; a site may have chosen others.
const (
	DefaultOperatorNamespace = "aistor"
	DefaultOperatorRelease   = "aistor"
	DefaultPullSecret        = "private-repo-pull-secret"
)

// The Secret that carries the license, in the operator's namespace.
const (
	LicenseSecret    = "minio-license"
	LicenseSecretKey = "minio.license"
)

// Where the vendor publishes. ChartRepository is an HTTP chart repository;
// PublicPrefix and PublicMinIOPrefix are what the charts' own repository keys
// "aistor" and "minio" stand for.
const (
	ChartRepository   = "https://helm.min.io"
	PublicRegistry    = "quay.io"
	PublicPrefix      = "minio/aistor/"
	PublicMinIOPrefix = "minio/"
)

// Objects that the operator chart creates.
const (
	DeploymentAdminJob    = "adminjob-operator"
	DeploymentObjectStore = "object-store-operator"
	DeploymentWebhook     = "object-store-webhook" // since 5.2.0
	ConfigMapAdminJob     = "adminjob-operator"
	ConfigMapObjectStore  = "object-store-operator"
	ServiceOperator       = "object-store-operator"
	ServiceWebhook        = "object-store-webhook" // since 5.2.0
	WebhookConfiguration  = "object-store-operator-webhook"
	PortOperator          = 4221
	PortWebhook           = 8443
)

// Bindings whose role changed under the same name between 5.6.4 and 5.9.0.
const (
	BindingObjectStore = "aistor-object-store"
	BindingAdminJob    = "aistor-adminjob"
)

// Containers of the pods.
const (
	ContainerController = "controller"
	ContainerMinIO      = "minio"
	ContainerSidecar    = "sidecar"
)

// Labels and annotations.
const (
	LabelTenant  = "v1.min.io/tenant"
	LabelPool    = "v1.min.io/pool"
	LabelConsole = "v1.min.io/console"
	// LabelOperatorName selects the pods of one operator deployment.
	LabelOperatorName = "aistor.min.io/name"
	// LabelObjectStore and LabelSpreadZone are what the pod webhook selects by.
	LabelObjectStore = "aistor.min.io/objectStore"
	LabelSpreadZone  = "aistor.min.io/spreadZoneAware"
	// LabelOperatorLeader is patched onto the leading pod with the value
	// OperatorLeader; the operator's Service has no endpoint without it.
	LabelOperatorLeader = "operator"
	OperatorLeader      = "leader"
	// AnnotationVersion is on every object of the operator chart.
	AnnotationVersion = "aistor.min.io/version"
	// AnnotationChartVersion is on the ObjectStore since chart 1.0.14.
	AnnotationChartVersion = "aistor.min.io/helm-chart-version"
)

// The custom resources.
const (
	Group            = "aistor.min.io"
	KindObjectStore  = "ObjectStore"
	CRDObjectStores  = "objectstores.aistor.min.io"
	CRDAdminJobs     = "adminjobs.aistor.min.io"
	CRDPolicyBinding = "policybindings.sts.min.io"
)

// ObjectStoreGVR is the resource of an object store. It is always asked for
// with its group: "objectstore" alone is ambiguous beside the CloudNativePG
// backup plugin.
func ObjectStoreGVR() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: Group, Version: "v1", Resource: "objectstores"}
}

// OperatorKeys are the keys under "operators" in the operator chart's values, of
// every version. A version ignores those it does not know.
func OperatorKeys() []string {
	return []string{"adminjob", "aihub", "inference", "object-store", "prompt", "warp"}
}

// RepositoryKeys are the keys under "repositories" that some version of the
// operator chart has known. Which of them has an effect is found by rendering.
func RepositoryKeys() []string { return []string{"aistor", "minio", "prometheus"} }

// PublicBase is the public name that a repository key of the operator chart
// stands for when the values say nothing, such as "quay.io/minio/aistor".
func PublicBase(key string) (string, bool) {
	switch key {
	case "aistor":
		return "quay.io/minio/aistor", true
	case "minio":
		return "quay.io/minio", true
	default:
		return "", false
	}
}
