// Package preflight checks an installation before and after an upgrade.
//
// It owns the checks ([PreUpgradeChecks], [PostUpgradeChecks]), the runner that carries them out in
// a fixed order ([Run]) and the report they end in ([Report]). A check reads
// the facts of the cluster, the inputs and steps of a plan, and
// what a registry answers through a [RegistryProber]; it changes nothing, prints
// nothing and asks the cluster nothing. What could not be read is an
// error, never a pass.
package preflight
