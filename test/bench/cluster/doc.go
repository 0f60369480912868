// Command cluster measures the plugins beside kubectl and helm on a simulated
// cluster of a thousand nodes.
//
// Everything that is compared runs in turns in one go, so that a busy machine
// is busy for both, and medians are shown. kubectl is built alone, since the
// test cluster's own is part of a larger program that starts more slowly.
//
//   - version of both plugins beside kubectl's and helm's own
//   - preflight beside kubectl get all, at a thousand servers
//   - validate beside the two documented commands, at a thousand and at five
//     thousand servers
//   - requests to the API server at ten and at a thousand servers
//   - the releases' steps of an upgrade beside the same helm upgrades and
//     kubectl waits, and how soon after the last event the next request comes
package main
