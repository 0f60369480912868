// Package planinput gathers what a plan is decided from: it joins the facts of a
// cluster, the charts of a bundle and the user's values into [plan.Inputs].
//
// It renders and rewrites but talks to no cluster and no registry, so the same
// request always gathers the same inputs.
package planinput
