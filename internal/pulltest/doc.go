// Package pulltest lets nodes pull images: for each namespace, set of pull
// secrets and node it starts one short pod and reads from its status what the
// node met.
//
// The pods execute nothing: their command exists in no image, so that the
// start fails after the pull, which proves the pull. They carry none of
// AIStor's labels, for its webhooks, Services and StatefulSets select by them,
// and are admitted where Pod Security is restricted, also on OpenShift.
//
// It owns these pods, and removes them in every case: when they have answered,
// when the caller is interrupted, and those of a killed run when the next one
// begins. It reads nothing else of the cluster and decides nothing.
package pulltest
