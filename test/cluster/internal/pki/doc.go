// Package pki makes the keys and certificates of one local cluster: an
// authority that lives as long as the cluster's directory, and what it signs.
//
// It must not be used for anything that outlives a test.
package pki
