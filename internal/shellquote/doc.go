// Package shellquote writes lines that people paste into a shell. What is named in
// one comes from clusters, registries and files of other people, and must stay
// a word of the line. It knows no shell to run and has no I/O.
package shellquote
