// Package lab starts and stops one local cluster: etcd, the Kubernetes control
// plane, simulated nodes, two registries and the puller, as processes on
// loopback that share one directory.
//
// It owns the directory's layout, the parts' command lines and their order. What
// happens to pods on simulated nodes belongs to package puller.
package lab
