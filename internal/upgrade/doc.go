// Package upgrade executes a plan.
//
// It owns the executor with everything that makes a run safe to stop and to
// repeat: the waiting, the watch over availability, the backup, and the restoring
// of a deleted binding. Who may write is decided by package lease, and package
// journal records each step before and after. Whether a step is done is observed
// on the cluster; the journal only attributes changes to their author.
//
// It must not print, decide what to upgrade, render charts or talk to a
// registry: those are handed in as [Deps] and functions in [Options], and what
// happens is told through [Options.OnEvent].
package upgrade
