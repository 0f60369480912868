// Package puller is the kubelet of simulated nodes, as far as an image registry
// can tell: a pod's containers run only when their images could be resolved
// with the pod's own pull secrets, for the node's platform, over TLS verified
// against the lab's authority. Else the pod waits in ErrImagePull and
// ImagePullBackOff with containerd's words, and heals when the cause is gone.
//
// It owns the status of pods bound to nodes labelled type=kwok, ends them when
// deleted, and makes volumes for claims of the lab's storage class. kwok keeps
// the nodes themselves alive. Nothing is executed and no layer is downloaded;
// that all blobs are there is asked by HEAD.
//
// It must never look outside the lab: a registry it was not told of is a host
// that does not resolve, as on a node without a network.
package puller
