// Package journal records what was done for a plan, and reads what other
// attempts recorded.
//
// It is append-only by attempt: each attempt writes one ConfigMap of its own
// under an optimistic lock, and no attempt can change or shorten another's
// record while it is needed. A [Run] is what all attempts at one plan say
// together. A record carries over what earlier ones said, so that the newest
// records suffice and old ones can be pruned.
//
// Journals are input like any other text from the cluster: anybody who may
// write ConfigMaps can have made them. What is read is bounded and checked for
// its form, texts are made harmless, and whoever acts on it must compare it
// with what Helm's records and the cluster say. They hold no secrets.
package journal
