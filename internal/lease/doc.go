// Package lease decides who may write. One run at a time holds the Lease of an
// installation, and everything that run sends to change the cluster passes a
// fence: a write goes out only while the lease is provably held, by the run's
// identity and by its own clock. A process that was suspended, or cut off from
// the API server, finds out before its next write that another client has taken
// over, and from then on writes nothing.
//
// The package knows nothing of upgrades. What is in a Lease object may have
// been written by anybody: its texts and numbers are bounded before use.
package lease
