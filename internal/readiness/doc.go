// Package readiness decides from one snapshot of a cluster when an operator and
// an object store are ready, and why not.
//
// It owns what they must have become ([Operator], [Store]), which failures no
// waiting resolves ([FindFailures]), and what shows that something moves. All of
// it is pure functions of [plan.Facts].
//
// It must not read the cluster, wait, or know of steps beyond the change they
// make: package upgrade does.
package readiness
