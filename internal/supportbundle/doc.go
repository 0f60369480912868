// Package supportbundle writes one archive about an installation for whoever helps
// with it: objects, events, logs, journals and reports, without secrets.
//
// It owns the archive's layout and what is taken out of it. What is written
// passes through three sieves: the objects' own structure, texts by the names
// and shapes of what they hold, and every secret that could be read, wherever
// it turns up. Secrets themselves are never written. It reads from the cluster
// and changes nothing.
package supportbundle
