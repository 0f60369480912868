// Package registrytest is a registry for tests: go-containerregistry's own
// in-process server, made as strict as real ones (blobs belong to a
// repository, a manifest needs its blobs, mounts and open ranges work), with
// logins and with faults on command. It is for tests only.
package registrytest
