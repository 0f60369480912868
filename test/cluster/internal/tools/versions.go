package tools

// Versions of everything the local cluster runs. A change here makes new
// entries in the cache; nothing else names a version, but for the go.mod of
// kubebox and krew, which a test holds against the ones below.
const (
	Kubernetes      = "v1.36.3"
	kubernetesMajor = "1"
	kubernetesMinor = "36"
	Kwok            = "v0.8.0"
	Registry        = "v3.1.2"
	Helm3           = "v3.22.0"
	Helm4           = "v4.3.1"
	Crane           = "v0.22.1"
	Krew            = "v0.4.4"
	// MinIO has no tagged versions as a module.
	MinIO = "v0.0.0-20260212201848-7aac2a2c5b7c"
)

// Tool is one program of the cache and how it is built.
type Tool struct {
	// Name is what the user asks for and the file name of the program.
	Name string
	// Version is the version of the module it is built from.
	Version string
	// Package is the main package, built by `go install Package@Version`.
	// Empty: built from the directory Source inside this module.
	Package string
	Source  string
	// LDFlags are given to the linker.
	LDFlags string
	// Static says that the program has to run where there is nothing else, as
	// in an image that holds it alone.
	Static bool
	// Links are more names under which the same file is found on PATH.
	Links []string
	// About how long a first build takes on two cores.
	Takes string
	// Default says whether it is built when nothing is named.
	Default bool
}

// Known lists every tool in the order in which they are built: the small ones
// first, so that a wait of minutes shows something early.
func Known() []Tool {
	return []Tool{
		{
			Name: "registry", Version: Registry, Default: true, Takes: "1 minute",
			Package: "github.com/distribution/distribution/v3/cmd/registry",
		},
		{
			Name: "kwok", Version: Kwok, Default: true, Takes: "3 minutes",
			Package: "sigs.k8s.io/kwok/cmd/kwok",
		},
		{
			Name: "helm3", Version: Helm3, Default: true, Takes: "2 minutes",
			Package: "helm.sh/helm/v3/cmd/helm", Links: []string{"helm"},
			LDFlags: "-X helm.sh/helm/v3/internal/version.version=" + Helm3,
		},
		{
			Name: "kubebox", Version: Kubernetes, Default: true, Takes: "7 minutes",
			Source: "kubebox", LDFlags: kubernetesFlags(),
			Links: []string{
				"etcd", "kube-apiserver", "kube-controller-manager",
				"kube-scheduler", "kube-proxy", "kubelet", "kubectl",
			},
		},
		{
			Name: "pause", Version: "v1", Source: "cmd/pause", Takes: "5 seconds",
		},
		{
			Name: "helm4", Version: Helm4, Takes: "2 minutes",
			Package: "helm.sh/helm/v4/cmd/helm",
			LDFlags: "-X helm.sh/helm/v4/internal/version.version=" + Helm4,
		},
		{
			Name: "crane", Version: Crane, Takes: "1 minute",
			Package: "github.com/google/go-containerregistry/cmd/crane",
		},
		{
			// krew is found as kubectl's plugin, as administrators have it.
			Name: "krew", Version: Krew, Source: "krew", Takes: "1 minute",
			LDFlags: "-X sigs.k8s.io/krew/internal/version.gitTag=" + Krew,
			Links:   []string{"kubectl-krew"},
		},
		{
			// Licensed under the AGPL: it is run by a test, and is neither linked
			// into nor shipped with anything.
			Name: "minio", Version: MinIO, Static: true, Takes: "5 minutes",
			Package: "github.com/minio/minio",
		},
	}
}

// kubernetesFlags stamps the version: the controller manager and the scheduler
// refuse to start as v0.0.0-master.
func kubernetesFlags() string {
	const v = "k8s.io/component-base/version."
	return "-X " + v + "gitVersion=" + Kubernetes +
		" -X " + v + "gitMajor=" + kubernetesMajor +
		" -X " + v + "gitMinor=" + kubernetesMinor
}
