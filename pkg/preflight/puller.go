package preflight

import (
	"context"

	"github.com/aistor-upgrade/aistor-upgrade/pkg/images"
)

// Puller pulls images on nodes, the only ones that know for certain whether
// they can. It changes the cluster for the time of the test, so it is used
// only where somebody asked for it. Implementations are safe for concurrent
// use, bound their own time and leave nothing behind.
type Puller interface {
	// Pull answers each request in its order. A ctx that ends early leaves
	// the rest with its cause as their error.
	Pull(ctx context.Context, list []NodePull) []NodePullResult
}

// NodePull is what one node is to pull for one namespace.
type NodePull struct {
	Namespace, Node string
	// Secrets are the pull secrets in the order in which kubelet takes them;
	// empty means that the pods name none.
	Secrets []string
	// Images are pulled as pods will name them, each once.
	Images []images.Ref
	// TemplatePod names a pod of this namespace whose tolerations and node selector
	// are taken over, so that it is placed as the real one; it may be empty.
	TemplatePod string
	// Spare says that no pod of AIStor runs on the node today: where none may
	// be placed, nothing is wrong.
	Spare bool
}

// NodePullResult is how it went.
type NodePullResult struct {
	// Err is set where the node did not come to pull at all. Like the errors
	// in Images it may have Kind() string (see the Kind constants).
	Err error
	// Images has an error, or nil for what was pulled, for each image that the
	// node came to.
	Images map[images.Ref]error
}

// The kinds of errors that only a node can meet, beyond those of a [RegistryProber].
const (
	KindPlatform      = "wrong-platform"
	KindUnschedulable = "unschedulable"
	KindRefused       = "admission-refused"
	KindNoPermission  = "no-right"
	KindTimeout       = "not-in-time"
	KindUntrusted     = "untrusted-signature"
	KindDiskFull      = "disk-full"
)
