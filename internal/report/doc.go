// Package report writes down what an upgrade did, for whoever has to know it
// later: [NewDocument] joins a plan, its outcome and the checks into one versioned
// document, [WriteHTML] makes one self-contained page of it.
//
// It must not check a cluster, decide anything or hold secrets: every text
// goes through the masking function it is given, and the page escapes all that
// came from outside. The page needs no script and no network.
package report
