// Package e2e runs the real plugin binaries through the real helm and kubectl
// against a real API server with simulated nodes, and real registries.
//
// Each script of testdata gets a cluster of its own, so that scripts neither
// wait for nor disturb each other. The programs are built by `make test-tools`.
package e2e
