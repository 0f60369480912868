// Package values works on the values of a chart: it edits the user's files in
// place without touching anything else in them, rewrites them so that every
// image comes from the private registry, explains which of them have an
// effect, and compares them with what a release has.
//
// It is the only package that imports go.yaml.in/yaml/v3. It renders through a
// function it is given and does not know Helm.
package values
