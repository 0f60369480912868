// Package plan turns what is known into what will be done.
//
// It owns the data of an upgrade: the [Site] a cluster is described by, the
// [Facts] of a cluster, the [Inputs] of a decision, and the
// [Plan] with its ordered steps. [Build] is a pure function: the same inputs
// give the same plan, byte for byte. Nothing here does I/O, reads a clock or
// knows how a step is executed.
package plan
