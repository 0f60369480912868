// Package aistor makes charts that behave like AIStor's published ones.
//
// It owns the fixture charts: one template set, filled in for each version that
// the tests install or upgrade to. It must not copy text from the published
// charts, and must not reach a network or a cluster.
package aistor
