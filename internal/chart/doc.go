// Package chart loads, fetches and renders Helm charts and reads, changes and
// decodes Helm releases.
//
// It is the only package that imports helm.sh/helm/v3: its security fixes end in
// February 2027, and what replaces it must have to be written in one place.
// No type of Helm's appears in its exported names, for the same reason. It
// knows nothing of AIStor except how to ask a chart which images it would
// pull, in [Discover].
package chart
