// Package realnode runs one real Kubernetes node, a kubelet with containerd,
// runc and kube-proxy, on the machine itself.
//
// All of it lives in PID, mount and network namespaces of its own, under one
// supervisor. So ending the supervisor ends everything: the kernel kills the
// containers and shims, and takes down the mounts, the bridge and the packet
// filter rules with their namespaces. The machine's own network gets one veth
// pair and two routes through it, which go with it too, so that pods and
// services can be reached from the machine. The node has no way out: it reaches
// the API server and the registries through a forwarder that listens on
// loopback inside and connects to loopback outside.
//
// It needs root on Debian; Check says why not elsewhere. It must not change the
// machine's own rules, system settings or services.
package realnode
