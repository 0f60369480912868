// Package display prints results for people and for programs: plans, reports, images,
// status and events, on the standard output.
//
// It imports packages term and option. It asks no cluster and no registry: what it
// prints was found out before.
package display
