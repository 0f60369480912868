// Package tools builds the programs a local cluster is made of, once, into a
// cache outside the checkout.
//
// It owns the pinned versions (versions.go) and the layout of the cache. It
// must not start anything it built.
package tools
