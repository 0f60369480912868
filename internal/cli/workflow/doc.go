// Package workflow has what several verbs do in the same way: opening a bundle,
// reading the cluster and making the plan, running a plan with its checks and
// its evidence, and delivering to a registry.
//
// It imports packages term, option and display. It connects the packages below
// internal and pkg, which do the work, and must not know which verb runs.
package workflow
