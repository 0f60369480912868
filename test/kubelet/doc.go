// Package kubelet holds what we say of kubelet against kubelet itself: how pull
// secrets are read and matched. It is a module of its own, for Kubernetes can
// be built only with replaced modules.
package kubelet
