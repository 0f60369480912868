// Package cluster reads a Kubernetes cluster: [Client.Facts] fills
// [plan.Facts] once, [Client.Watch] keeps the changing part of them
// current.
//
// It owns every read from the API server and the conversion of what comes back
// into plain data. It never writes, prints, or decides whether what it found
// is good. What it may not read becomes a [plan.Gap]; only a cluster that
// cannot be reached at all, or that doesn't know the user, is an error
// ([ConnectError]).
//
// The number of requests doesn't grow with the number of pods: lists come in
// pages of 500, and a page is trimmed to what is needed before the next one is
// asked for, so that thousands of pods stay small.
package cluster
