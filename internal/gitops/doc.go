// Package gitops turns a plan into commits-to-be for an installation that Flux
// or Argo CD keeps in line with a repository: a directory a step, in order, with
// what to commit, what to do manually right before, and what to wait for.
//
// It is pure: it makes files out of a plan and its inputs, and reads and writes
// nothing. No file holds a secret; what is left out is named instead.
package gitops
